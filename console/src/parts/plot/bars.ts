/** Where bars stand, on whole pixels. Pure. */
import type { Piece } from '../figure/plan'
import type { Ground } from './picture'

export interface Rect {
  left: number
  top: number
  width: number
  height: number
}

/** Of its step a bar leaves as much free, where there is room for it. */
const GAP = 0.2
const WIDEST_GAP_PX = 8

/** What is not nothing is seen: at least one pixel each way. */
export function barsOf(pieces: readonly (Piece | undefined)[], moments: readonly number[], ends: readonly number[], { box, ratio, x, y }: Pick<Ground, 'box' | 'ratio' | 'x' | 'y'>): Rect[] {
  return pieces.flatMap((piece, at) => {
    const [from, to] = [moments[at], ends[at]]
    if (!piece || from === undefined || to === undefined) return []
    const [begin, end] = [Math.max(x(from), box.left), Math.min(x(to), box.left + box.width)]
    if (end <= begin) return []
    const gap = end - begin < 3 * ratio ? 0 : Math.min((end - begin) * GAP, WIDEST_GAP_PX * ratio)
    const left = Math.round(begin + gap / 2)
    const right = Math.max(left + 1, Math.round(end - gap / 2))
    const bottom = Math.round(y(piece.low))
    const top = Math.min(bottom - Math.round(ratio), Math.round(y(piece.high)))
    return [{ left, top, width: right - left, height: bottom - top }]
  })
}
