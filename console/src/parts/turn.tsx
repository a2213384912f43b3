/** A switch that is turned at once, and back again where the API refuses: it can be taken back, so nobody has to wait for it. */
import { Switch } from '@mantine/core'
import { useState } from 'react'
import { tellProblem } from './told'

interface Props {
  isOn: boolean
  mayTurn: boolean
  label: string
  turn: (isOn: boolean) => Promise<unknown>
  /** Asks again how it stands. */
  again: () => Promise<unknown>
}

export function Turn({ isOn, mayTurn, label, turn, again }: Props) {
  // While it is on its way.
  const [wanted, setWanted] = useState<boolean | null>(null)
  const go = (next: boolean) => {
    if (wanted !== null) return
    setWanted(next)
    void turn(next)
      .catch(tellProblem)
      // What somebody else made of it is to be seen, too.
      .then(again)
      .finally(() => setWanted(null))
  }
  return <Switch size="xs" checked={wanted ?? isOn} disabled={!mayTurn} aria-busy={wanted !== null} onChange={(event) => go(event.currentTarget.checked)} aria-label={label} />
}
