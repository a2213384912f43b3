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
export function topFor(index: number, top: number, height: number, { row, head }: Omit<Layout, 'count'>, isCentred = false): number {
  const above = index * row
  const below = above + row + head - height
  if (isCentred) return Math.max(0, above - (height - head - row) / 2)
  return Math.max(Math.min(top, above), below)
}

interface InSight extends Span {
  isScrolling: boolean
  /** A screen and more goes by at once, again and again: nobody reads it. */
  isFlying: boolean
  /** Scrolls until a row is in sight. */
  show: (index: number, isCentred?: boolean) => void
}

const REST = { isScrolling: false, isFlying: false }

export function useInSight(frame: RefObject<HTMLElement | null>, { count, row, head }: Layout): InSight {
  const [place, setPlace] = useState({ top: 0, height: 0 })
  const [pace, setPace] = useState(REST)
  const { from, to } = spanIn(place.top, place.height, { count, row, head })
  const seen = useRef({ from, to, ...pace, top: 0, look: () => undefined as void })
  // What is looked at is what stands in the page, not what is only being drawn.
  useLayoutEffect(() => {
    Object.assign(seen.current, { from, to, ...pace })
    seen.current.look = () => {
      const list = frame.current
      if (!list) return
      const { scrollTop: top, clientHeight: height } = list
      const next = spanIn(top, height, { count, row, head })
      if (next.from !== seen.current.from || next.to !== seen.current.to) setPlace({ top, height })
    }
  })
  useLayoutEffect(() => {
    // Rows that came above have moved those that are read: nobody has scrolled.
    seen.current.top = frame.current?.scrollTop ?? 0
    seen.current.look()
  }, [frame, count, row, head])

  useLayoutEffect(() => {
    const list = frame.current
    if (!list) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const onScroll = () => {
      clearTimeout(timer)
      timer = setTimeout(() => setPace(REST), REST_MS)
      // One leap is a look at another place; the second is a throw.
      const isFlying = seen.current.isScrolling && Math.abs(list.scrollTop - seen.current.top) > list.clientHeight
      seen.current.top = list.scrollTop
      // In the frame that is being made, not in the one after.
      flushSync(() => {
        if (!seen.current.isScrolling || isFlying !== seen.current.isFlying) setPace({ isScrolling: true, isFlying })
        seen.current.look()
      })
    }
    const resized = new ResizeObserver(() => seen.current.look())
    resized.observe(list)
    list.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      clearTimeout(timer)
      resized.disconnect()
      list.removeEventListener('scroll', onScroll)
    }
  }, [frame])

  const show = useCallback(
    (index: number, isCentred = false) => {
      const list = frame.current
      if (list) list.scrollTop = topFor(index, list.scrollTop, list.clientHeight, { row, head }, isCentred)
    },
    [frame, row, head],
  )
  return { from, to, ...pace, show }
}
