/** Colours and sizes. Meaning is never in a colour alone: a word or a shape stands beside it. */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple, ScrollArea } from '@mantine/core'

const ink: MantineColorsTuple = ['#eef4fc', '#d9e6f6', '#b0cbee', '#84aee6', '#5f95df', '#4985db', '#3c7dda', '#2e6bc2', '#245faf', '#12529b']

export const theme = createTheme({
  primaryColor: 'ink',
  // White stands on either, and can be read.
  primaryShade: { light: 8, dark: 7 },
  colors: { ink },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  defaultRadius: 'sm',
  autoContrast: true,
  // What scrolls can be scrolled by keys.
  components: { ScrollArea: ScrollArea.extend({ defaultProps: { viewportProps: { tabIndex: 0 } } }) },
})

/** Where Mantine's own colours are too near to their ground to be read at small sizes. */
export const readable: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-teal-light-color': '#05644a',
    '--mantine-color-orange-light-color': '#a33605',
    '--mantine-color-yellow-light-color': '#7d4f00',
  },
  dark: { '--mantine-color-dimmed': 'var(--mantine-color-dark-1)' },
})

/** Okabe and Ito's palette, told apart by every eye. */
export const HUES = { blue: '#0072b2', vermilion: '#d55e00', green: '#009e73', purple: '#cc79a7', orange: '#e69f00', sky: '#56b4e9', grey: '#999999', yellow: '#f0e442' } as const

/** For series whose order is fixed. */
export const SERIES = Object.values(HUES)

/** From nothing to most, one hue, told apart by lightness. */
export const HEAT = {
  light: ['#f1f5fa', '#b0cbee', '#5f95df', '#245faf', '#0b2e5c'],
  dark: ['#2b2f36', '#1f4a80', '#2e6bc2', '#7fb0f0', '#e3effc'],
} as const
