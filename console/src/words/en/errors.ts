export const errors = {
  title: 'errors',
} as const
