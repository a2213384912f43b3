/** What a pointer does over a picture: it is over something, it brushes a span, or it chooses. Mouse, pen and finger alike. */

export interface Heard {
  /** Where it is, in pixels from the corner of the place. */
  onOver: (x: number, y: number) => void
  onAway: () => void
  /** A brush grows, or is given up. */
  onGrow: (from: number, to: number) => void
  onGiveUp: () => void
  onBrushed: (from: number, to: number) => void
  onChosen: (x: number, y: number) => void
}

/** What moves less is a click. */
const CLICK_PX = 4

export function pointer(place: HTMLElement, canBrush: boolean, { onOver, onAway, onGrow, onGiveUp, onBrushed, onChosen }: Heard): () => void {
  let begun: { x: number; y: number; id: number } | undefined
  const away = new AbortController()
  const { signal } = away
  const at = ({ clientX, clientY }: PointerEvent) => {
    const { left, top, width, height } = place.getBoundingClientRect()
    return { x: Math.min(Math.max(clientX - left, 0), width), y: Math.min(Math.max(clientY - top, 0), height) }
  }
  const isWithin = ({ clientX, clientY }: PointerEvent) => {
    const { left, top, right, bottom } = place.getBoundingClientRect()
    return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom
  }
  const isBrush = (from: number, to: number) => canBrush && Math.abs(to - from) >= CLICK_PX
  const giveUp = () => {
    if (begun) onGiveUp()
    begun = undefined
  }

  place.addEventListener(
    'pointerdown',
    (event) => {
      if (!event.isPrimary || event.button !== 0) return
      begun = { ...at(event), id: event.pointerId }
      onGiveUp()
      // What leaves the place meanwhile still brushes it, and what is let go elsewhere is heard of.
      place.setPointerCapture?.(event.pointerId)
    },
    { signal },
  )
  place.addEventListener(
    'pointermove',
    (event) => {
      const { x, y } = at(event)
      if (begun && isBrush(begun.x, x)) {
        onAway()
        onGrow(Math.min(begun.x, x), Math.max(begun.x, x))
      } else onOver(x, y)
    },
    { signal },
  )
  place.addEventListener(
    'pointerup',
    (event) => {
      if (event.pointerId !== begun?.id) return
      const { x, y } = at(event)
      const { x: from } = begun
      begun = undefined
      if (isBrush(from, x)) return onBrushed(Math.min(from, x), Math.max(from, x))
      onGiveUp()
      onOver(x, y)
      if (isWithin(event)) onChosen(x, y)
    },
    { signal },
  )
  // The page took it to scroll.
  place.addEventListener('pointercancel', giveUp, { signal })
  // A finger that was lifted is nowhere: what it pointed at is told until it points elsewhere.
  place.addEventListener('pointerleave', (event) => event.pointerType !== 'touch' && onAway(), { signal })
  window.addEventListener('pointerdown', ({ target }) => !place.contains(target as Node) && onAway(), { signal })
  window.addEventListener('keydown', ({ key }) => key === 'Escape' && (giveUp(), onAway()), { signal })
  return () => away.abort()
}
