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

/** How much of a CPU one busy thread is given, of 1: what else the machine does makes everything here longer. */
export function share(forMs = 300) {
  const before = process.cpuUsage()
  const began = performance.now()
  while (performance.now() - began < forMs);
  const { user, system } = process.cpuUsage(before)
  return Math.min(1, (user + system) / 1000 / (performance.now() - began))
}

/** Waits for a quiet moment, but not for ever. */
export async function quiet(least, mostMs, say) {
  const until = Date.now() + mostMs
  while (Date.now() < until) {
    const shares = Array.from({ length: 5 }, () => share())
    if (median(shares) >= least) return
    say(`the machine is busy: a thread is given ${Math.round(median(shares) * 100)} % of a CPU; waiting`)
    await new Promise((done) => setTimeout(done, 10_000))
  }
}
