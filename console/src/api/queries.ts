/** How answers are kept: for a moment, and asked for again when somebody looks. */
import { QueryClient } from '@tanstack/react-query'
import { Problem } from './problem'

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal is an answer; only what had none is asked again.
      retry: (count, error) => error instanceof Problem && (error.status === 0 || error.status === 503) && count < 2,
      refetchOnWindowFocus: true,
      // The gateway may be on this machine, or on a network that the browser does not count: that it is away is seen by asking.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})
