/** What is under the pointer, beside it: text in elements, never HTML. What a provider said stays text. */
import type { Tip } from '../figure/tip'
import classes from './plot.module.css'

export interface Dot {
  top: number
  color: string
}

const APART_PX = 14

/** In a place with corners of its own: a line through what is meant, a dot on each line, and what they say. */
export function tipIn(place: HTMLElement) {
  const cross = element('div', classes.cross)
  const box = element('div', classes.tip)
  const dots: HTMLElement[] = []
  cross.hidden = box.hidden = true
  place.append(cross, box)
  return {
    /** `left` is where in the place it is; `x` and `y` are the pointer's. */
    show({ title, rows }: Tip, left: number, at: readonly Dot[], x: number, y: number) {
      cross.hidden = box.hidden = false
      cross.style.transform = `translateX(${Math.round(left)}px)`
      while (dots.length < at.length) dots.push(place.insertBefore(element('div', classes.dot), box))
      dots.forEach((dot, of) => {
        const here = at[of]
        dot.hidden = here === undefined
        if (!here) return
        dot.style.background = here.color
        dot.style.transform = `translate(${left}px, ${here.top}px)`
      })
      box.replaceChildren(element('div', classes.title, title), ...rows.map(rowOf))
      // On the side where there is room.
      const { clientWidth, clientHeight } = place
      const beside = x + APART_PX + box.offsetWidth > clientWidth ? x - APART_PX - box.offsetWidth : x + APART_PX
      const down = Math.min(Math.max(y - box.offsetHeight / 2, 0), Math.max(0, clientHeight - box.offsetHeight))
      box.style.transform = `translate(${Math.round(Math.max(beside, 0))}px, ${Math.round(down)}px)`
    },
    hide() {
      for (const one of [cross, box, ...dots]) one.hidden = true
    },
  }
}

function rowOf({ color, name, value, isNear }: Tip['rows'][number]): HTMLElement {
  const row = element('div', classes.row)
  row.dataset['near'] = String(isNear)
  if (color !== undefined) {
    const swatch = element('span', classes.swatch)
    swatch.style.background = color
    row.append(swatch)
  }
  row.append(element('bdi', classes.name, name), element('span', classes.value, value))
  return row
}

function element(tag: string, name: string | undefined, text?: string): HTMLElement {
  const made = document.createElement(tag)
  made.className = name ?? ''
  if (text !== undefined) made.textContent = text
  return made
}
