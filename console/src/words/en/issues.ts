export const issues = {
  title: 'issues',
} as const
