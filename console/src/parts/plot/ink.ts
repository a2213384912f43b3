/** What all charts are written with. */
export const INK = {
  light: { text: '#495057', line: '#dee2e6' },
  dark: { text: '#c1c2c5', line: '#424242' },
} as const

export const FONT_SIZE = 11

/** As a canvas takes it, which knows no variables of the page. */
export function font(ratio: number): string {
  return `${FONT_SIZE * ratio}px system-ui, sans-serif`
}
