/** A switch that is turned at once, and back again where the API refuses: it can be taken back, so nobody has to wait for it. */
import { Switch } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
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
  // What was asked for last, while it is on its way.
  const [wanted, setWanted] = useState<boolean | null>(null)
  const last = useRef(isOn)
  const act = useRef(turn)
  useEffect(() => {
    act.current = turn
  })
  const go = async (next: boolean) => {
    last.current = next
    setWanted(next)
    if (wanted !== null) return
    // Whoever changes their mind meanwhile is served after that; what somebody else made of it is to be seen, too.
    for (let done: boolean | undefined; done !== last.current; ) {
      done = last.current
      await act.current(done).catch(tellProblem)
      await again()
    }
    setWanted(null)
  }
  return <Switch size="xs" checked={wanted ?? isOn} disabled={!mayTurn} aria-busy={wanted !== null} onChange={(event) => void go(event.currentTarget.checked)} aria-label={label} />
}
