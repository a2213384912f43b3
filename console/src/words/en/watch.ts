export const watch = {
  title: 'watch',
} as const
