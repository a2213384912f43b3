/** Holds back what would change under somebody's pointer. */

const UP = ['pointerup', 'pointercancel', 'blur'] as const

/** Shows at once; while the pointer is down in `place`, the newest there is once it is up. */
export function holding<What extends unknown[]>(place: HTMLElement, show: (...what: What) => void) {
  let isDown = false
  let waits: What | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const down = () => {
    clearTimeout(timer)
    isDown = true
  }
  const release = () => {
    isDown = false
    const what = waits
    waits = undefined
    if (what) show(...what)
  }
  // Whoever else listens to the release is told first: what was drawn ends before what it was drawn on changes.
  const up = () => {
    if (isDown) timer = setTimeout(release)
  }
  place.addEventListener('pointerdown', down)
  for (const name of UP) window.addEventListener(name, up)
  return {
    show(...what: What) {
      if (isDown) waits = what
      else show(...what)
    },
    end() {
      clearTimeout(timer)
      place.removeEventListener('pointerdown', down)
      for (const name of UP) window.removeEventListener(name, up)
    },
  }
}
