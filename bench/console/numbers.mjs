// What many measurements come to.
export const sorted = (values) => [...values].sort((one, other) => one - other)

/** The value below which so many of a hundred lie. */
export function percentile(values, share) {
  const all = sorted(values)
  return all.length === 0 ? NaN : all[Math.min(all.length - 1, Math.floor((all.length * share) / 100))]
}

export const median = (values) => percentile(values, 50)
export const sum = (values) => values.reduce((all, value) => all + value, 0)
export const kib = (bytes) => bytes / 1024
export const round = (value, digits = 0) => Number(value.toFixed(digits))
