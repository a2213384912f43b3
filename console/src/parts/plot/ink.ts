/** What all charts are written with. */
export const INK = {
  light: { text: '#495057', line: '#dee2e6', ground: '#ffffff' },
  dark: { text: '#c1c2c5', line: '#424242', ground: '#242424' },
} as const

/** That of the smallest text of the page, which the browser has at hand already. */
const FONT_SIZE = 12

/** As a canvas takes it, which knows no variables of the page. */
export function font(ratio: number): string {
  return `${FONT_SIZE * ratio}px system-ui, sans-serif`
}

/** How wide a label will be, or a little less. To measure the first one takes longer than to draw all. */
export function widthOf(label: string | null): number {
  return [...(label ?? '')].reduce((sum, sign) => sum + (sign === ' ' ? 0.35 : sign > '\u2e80' ? 1 : 0.64), 0) * FONT_SIZE
}
