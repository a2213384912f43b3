export const replays = {
  title: 'replays',
} as const
