/**
 * Which rows of a list are in sight. All are of one height, so that is reckoned, not measured: a hundred thousand rows
 * cost no more than ten.
 */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'

/** How a list is laid out, in pixels: a head that stays above, and rows beneath it. */
export interface Layout {
  count: number
  row: number
  head: number
}

/** From the first row to the one behind the last. */
export interface Span {
  from: number
  to: number
}

/** Rows beside those in sight that are drawn, too: a small step shows nothing that is not there yet. */
const BESIDE = 4
/** As long is it quiet after one has scrolled. */
const REST_MS = 150

export function spanIn(top: number, height: number, { count, row, head }: Layout): Span {
  const clamp = (index: number) => Math.max(0, Math.min(count, index))
  return { from: clamp(Math.floor(top / row) - BESIDE), to: clamp(Math.ceil((top + height - head) / row) + BESIDE) }
}

/** Where to scroll so that a row is in sight: as little as is needed, or to the middle. */
export function topFor(index: number, top: number, height: number, { row, head }: Layout, isCentred = false): number {
  const above = index * row
  const below = above + row + head - height
  if (isCentred) return Math.max(0, above - (height - head - row) / 2)
  return Math.max(Math.min(top, above), below)
}

interface InSight extends Span {
  isScrolling: boolean
  /** Scrolls until a row is in sight. */
  show: (index: number, isCentred?: boolean) => void
}

export function useInSight(frame: RefObject<HTMLElement | null>, { count, row, head }: Layout): InSight {
  const [place, setPlace] = useState({ top: 0, height: 0 })
  const [isScrolling, setScrolling] = useState(false)
  const spanOf = useCallback((top: number, height: number) => spanIn(top, height, { count, row, head }), [count, row, head])
  const span = spanOf(place.top, place.height)
  const seen = useRef({ ...span, isScrolling })
  seen.current = { ...span, isScrolling }

  useLayoutEffect(() => {
    const list = frame.current
    if (!list) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      const { scrollTop: top, clientHeight: height } = list
      const { from, to } = spanOf(top, height)
      if (from !== seen.current.from || to !== seen.current.to) setPlace({ top, height })
    }
    const onScroll = () => {
      clearTimeout(timer)
      timer = setTimeout(() => setScrolling(false), REST_MS)
      // In the frame that is being made, not in the one after: there are no empty places to be seen.
      flushSync(() => {
        if (!seen.current.isScrolling) setScrolling(true)
        look()
      })
    }
    look()
    const resized = new ResizeObserver(look)
    resized.observe(list)
    list.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      clearTimeout(timer)
      resized.disconnect()
      list.removeEventListener('scroll', onScroll)
    }
  }, [frame, spanOf])

  const show = useCallback(
    (index: number, isCentred = false) => {
      const list = frame.current
      if (list) list.scrollTop = topFor(index, list.scrollTop, list.clientHeight, { count, row, head }, isCentred)
    },
    [frame, count, row, head],
  )
  return { ...span, isScrolling, show }
}
