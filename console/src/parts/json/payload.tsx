/** A body or headers as they were kept: pretty where it can be, raw always, and why there is nothing where there is nothing. */
import { Group, SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Copy } from '../copy'
import classes from './json.module.css'
import { Marked } from './marked'
import { headersOf, parse } from './parse'
import { Events, Tree } from './tree'

interface Props {
  title: string
  text: string | null | undefined
  /** Whoever asks may not see it. */
  isWithheld: boolean
  /** More about it: its size, whether it was cut. */
  note?: ReactNode
}

/** A body. */
export function Body({ title, text, isWithheld, note }: Props) {
  const { t } = useTranslation('errors')
  const parsed = useMemo(() => parse(text ?? ''), [text])
  const [isRaw, setRaw] = useState(false)
  const isPretty = parsed.kind !== 'text'
  return (
    <Part title={title} text={text} isWithheld={isWithheld} note={note} tools={isPretty && <SegmentedControl size="xs" aria-label={t('body.how', { title })} data={[{ value: 'pretty', label: t('body.pretty') }, { value: 'raw', label: t('body.raw') }]} value={isRaw ? 'raw' : 'pretty'} onChange={(value) => setRaw(value === 'raw')} />}>
      {parsed.kind === 'text' || isRaw ? (
        <pre className="said">
          <Marked text={text ?? ''} />
        </pre>
      ) : parsed.kind === 'events' ? (
        <Events events={parsed.value} />
      ) : (
        <Tree value={parsed.value} />
      )}
    </Part>
  )
}

/** Headers, a line each. */
export function Headers({ title, text, isWithheld, note }: Props) {
  const headers = useMemo(() => headersOf(text ?? ''), [text])
  return (
    <Part title={title} text={text} isWithheld={isWithheld} note={note}>
      <dl className={classes.headers}>
        {headers.map(([name, value], at) => (
          <div key={at} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd className="said">
              <Marked text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </Part>
  )
}

function Part({ title, text, isWithheld, note, tools, children }: Props & { tools?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation('errors')
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs" mih={30}>
        <Group gap="xs">
          <Title order={3} size="h6">
            {title}
          </Title>
          {text && <Copy text={text} of={title} />}
          {note && <Text size="xs">{note}</Text>}
        </Group>
        {text && tools}
      </Group>
      {text ? (
        <div className={classes.frame} tabIndex={0} role="region" aria-label={title}>
          {children}
        </div>
      ) : (
        <Text size="sm">{t(isWithheld ? 'body.withheld' : 'body.none')}</Text>
      )}
    </Stack>
  )
}
