export const attempts = {
  title: 'attempts',
} as const
