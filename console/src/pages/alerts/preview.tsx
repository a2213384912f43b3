/** A rule tried over history: the metric with the threshold, and the events that would have been. */
import { Alert, Button, Group, Select, Stack, Table, Text } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { problemOf } from '../../api/problem'
import { useMay } from '../../app/session'
import { HUES } from '../../app/theme'
import { Chart } from '../../parts/chart'
import { toFields } from '../../parts/fields'
import { type Figure, spanOf } from '../../parts/figure/figure'
import { count, duration } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { When } from '../../parts/when'
import { bodyOfValues, FIELDS, type Values } from './form'
import { type Body, hasHistory, METRICS, valued } from './kinds'
import { isDrawn, joined, line } from './line'

interface Tried {
  rule: Body
  previewed: Of<'Previewed'>
  stepMs: number
  points: [number, number | null][]
}

const SPANS = ['1h', '6h', '24h', '7d'] as const

/** Asks for what the rule would have said, and for the metric's past. */
async function tryOver(rule: Body, span: (typeof SPANS)[number]): Promise<Tried> {
  const { data } = await api.POST('/api/v1/admin/ops/alert-rules/preview', { body: { rule, time_range: span } })
  const previewed = data as Of<'Previewed'>
  if (!isDrawn(rule.metric)) return { rule, previewed, stepMs: 0, points: [] }
  const { objective_id: _none, ...filter } = rule.filter ?? {}
  const query = { start_time: previewed.start_time, end_time: previewed.end_time, ...filter } as never
  const [errors, throughput] = await Promise.all([
    api.GET('/api/v1/admin/ops/dashboard/error-trend', { params: { query } }),
    api.GET('/api/v1/admin/ops/dashboard/throughput-trend', { params: { query } }),
  ])
  const stepMs = errors.data?.step_ms ?? 0
  const steps = joined(errors.data?.points ?? [], throughput.data?.points ?? [])
  return { rule, previewed, stepMs, points: line(rule.metric, steps, stepMs, (rule.window_minutes ?? 5) * 60_000) }
}

export function Preview({ form }: { form: UseFormReturnType<Values> }) {
  const { t } = useTranslation('alerts')
  const mayTry = useMay('operator')
  const [span, setSpan] = useState<(typeof SPANS)[number]>('24h')
  const [busy, setBusy] = useState(false)
  const [tried, setTried] = useState<Tried>()
  const [wrong, setWrong] = useState<string>()
  if (!mayTry) return null
  const isKept = hasHistory(form.values.metric)
  const go = () => {
    if (form.validate().hasErrors) return
    setBusy(true)
    setWrong(undefined)
    void tryOver(bodyOfValues(form.values), span)
      .then(setTried, (thrown: unknown) => {
        const { field, detail } = problemOf(thrown)
        if (field) toFields(form, FIELDS.map((name) => name))(thrown)
        setWrong(detail)
      })
      .finally(() => setBusy(false))
  }
  return (
    <Panel
      title={t('preview.title')}
      aside={
        <Group gap={6}>
          <Select size="xs" w={90} aria-label={t('preview.over')} data={[...SPANS]} value={span} onChange={(value) => setSpan((value ?? '24h') as (typeof SPANS)[number])} allowDeselect={false} />
          <Button size="xs" variant="default" onClick={go} loading={busy} disabled={!isKept}>
            {t('preview.go')}
          </Button>
        </Group>
      }
    >
      {!isKept && <Text size="sm">{t('preview.noHistory')}</Text>}
      {wrong && (
        <Alert color="red" p="xs" className="said">
          {wrong}
        </Alert>
      )}
      {tried && isKept && <Shown tried={tried} />}
    </Panel>
  )
}

function Shown({ tried }: { tried: Tried }) {
  const { rule, previewed, stepMs, points } = tried
  const { t, i18n } = useTranslation('alerts')
  const { unit } = METRICS[rule.metric]
  const value = (one: number | null | undefined) => valued(one, unit, i18n.language)
  const figure = useMemo(
    () => figureOf(tried, { metric: t(`metric.${rule.metric}`), fired: t('preview.fired'), threshold: t('preview.threshold') }, (one) => valued(one, unit, i18n.language)),
    [tried, rule, unit, t, i18n.language],
  )
  const times = previewed.events.length
  const said = times === 0 ? t('preview.none') : t('preview.some', { count: times })
  const judged = t('preview.judged', {
    minutes: count(previewed.minutes, i18n.language),
    without: count(previewed.minutes_without_value, i18n.language),
    lowest: value(previewed.lowest),
    highest: value(previewed.highest),
  })
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600} role="status">
        {said}
      </Text>
      <Text size="sm">{judged}</Text>
      <Chart figure={figure} label={`${said} ${judged}`} height={200} />
      <Text size="xs">{points.length > 0 ? t('preview.stepped', { step: duration(stepMs) }) : t('preview.noLine')}</Text>
      {times > 0 && (
        <Table fz="xs" verticalSpacing={3}>
          <Table.Tbody>
            {previewed.events.toReversed().slice(0, 50).map(({ fired_at, resolved_at, evidence }) => (
              <Table.Tr key={fired_at}>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>
                  <When at={fired_at} as="absolute" />
                </Table.Td>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>{resolved_at ? duration(Date.parse(resolved_at) - Date.parse(fired_at)) : t('preview.goesOn')}</Table.Td>
                <Table.Td className="said">{evidence.sentence}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  )
}

/** The metric as a line, the threshold as a dashed one, and each event as a thick piece of it. */
function figureOf({ rule, previewed, stepMs, points }: Tried, names: { metric: string; fired: string; threshold: string }, say: (value: number) => string): Figure {
  const span = spanOf(previewed)
  return {
    kind: 'timeline',
    ...span,
    stepMs,
    // The threshold is in sight, also where the metric never came near it.
    left: { say, keeps: rule.threshold * 1.2 },
    series: points.length > 0 ? [{ name: names.metric, kind: 'line', color: HUES.blue, points }] : [],
    marks: [{ name: names.threshold, value: rule.threshold, color: HUES.blue }],
    spells: {
      name: names.fired,
      color: HUES.vermilion,
      value: rule.threshold,
      spans: previewed.events.map(({ fired_at, resolved_at }) => ({ from: Date.parse(fired_at), to: resolved_at ? Date.parse(resolved_at) : span.to })),
    },
  }
}
