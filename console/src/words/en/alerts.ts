export const alerts = {
  title: 'alerts',
} as const
