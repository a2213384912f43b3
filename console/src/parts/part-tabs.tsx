/** The parts of a page, of which one is shown: which one is in the address. */
import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'
import { useAsked } from './asked'

interface Props {
  /** Each part's word in the address, its name, and what it shows. The first one is shown without a word. */
  parts: readonly (readonly [word: string, name: ReactNode, shows: () => ReactNode])[]
  /** The name in the address. */
  param?: string
  label: string
  /** Parts that keep what is being done in them while another one is shown. */
  keeps?: readonly string[]
}

export function PartTabs({ parts, param = 'tab', label, keeps = [] }: Props) {
  const [asked, ask] = useAsked()
  const first = parts[0]?.[0] ?? ''
  const at = parts.some(([word]) => word === asked[param]) ? asked[param] : first
  return (
    <Tabs value={at} onChange={(word) => ask({ [param]: !word || word === first ? undefined : word })} keepMounted={false}>
      <Tabs.List mb="sm" aria-label={label}>
        {parts.map(([word, name]) => (
          <Tabs.Tab key={word} value={word}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {parts.map(([word, , shows]) => (
        <Tabs.Panel key={word} value={word} keepMounted={keeps.includes(word)}>
          {shows()}
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
