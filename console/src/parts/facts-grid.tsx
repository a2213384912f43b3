/** What is known of one thing at its top: names and values in as many columns as there is room for. */
import classes from './facts-grid.module.css'
import type { Fact } from './facts'

/** What has no value is left out. */
export function FactsGrid({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={classes.grid}>
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}
