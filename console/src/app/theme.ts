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

/** Okabe and Ito's palette, told apart by every eye, for series whose order is fixed. */
export const SERIES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#999999', '#f0e442'] as const
