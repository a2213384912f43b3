export const rules = {
  title: 'rules',
} as const
