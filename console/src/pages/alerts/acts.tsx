/** What can be done about an event: take it up, end it, silence its like with one click. */
import { Button, Group, Menu } from '@mantine/core'
import { IconBellOff } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Of } from '../../api/client'
import { useMay } from '../../app/session'
import { SureButton } from '../../parts/aside'
import { tellDone, tellProblem } from '../../parts/told'
import { local } from '../../parts/when'
import { useAgain } from './asking'
import type { Event } from './kinds'

export function EventActs({ event }: { event: Event }) {
  const { t } = useTranslation('alerts')
  const again = useAgain()
  const mayAct = useMay('operator')
  const [busy, setBusy] = useState(false)
  if (!mayAct || event.status !== 'firing') return null
  const path = { params: { path: { id: event.id } } }
  const acknowledge = () => {
    setBusy(true)
    void api
      .POST('/api/v1/admin/ops/alert-events/{id}/acknowledge', path)
      .then(again, tellProblem)
      .finally(() => setBusy(false))
  }
  const resolve = async () => {
    await api.POST('/api/v1/admin/ops/alert-events/{id}/resolve', path)
    await again()
  }
  return (
    <Group gap="xs">
      {!event.acknowledged_at && (
        <Button size="xs" variant="default" onClick={acknowledge} loading={busy}>
          {t('act.acknowledge')}
        </Button>
      )}
      <SilenceMenu event={event} />
      <SureButton what={t('act.resolveWhat')} act={resolve}>
        {t('act.resolve')}
      </SureButton>
    </Group>
  )
}

const SPANS = { '1h': 1, '4h': 4, '24h': 24 } as const

function SilenceMenu({ event }: { event: Event }) {
  const { t, i18n } = useTranslation('alerts')
  const again = useAgain()
  const { platform, account_id, group_ids } = event.scope
  // An account is named by itself, in however many groups it is; what is of none has one group at most.
  const group_id = account_id === null || account_id === undefined ? (group_ids?.[0] ?? null) : null
  const subject = { platform, account_id, group_id }
  const isOfOne = Object.values(subject).some((id) => id !== null && id !== undefined)
  const silence = (hours: number, of: Partial<Of<'SilenceBody'>>) => {
    const until = Date.now() + hours * 3_600_000
    const note = event.evidence.sentence.slice(0, 200)
    void api.POST('/api/v1/admin/ops/alert-silences', { body: { rule_id: event.rule_id, ...of, until: new Date(until).toISOString(), note } }).then(() => {
      tellDone(t('silenced', { until: local(until, i18n.language) }))
      return again()
    }, tellProblem)
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconBellOff size={14} aria-hidden />}>
          {t('act.silence')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {isOfOne &&
          (Object.keys(SPANS) as (keyof typeof SPANS)[]).map((span) => (
            <Menu.Item key={`one ${span}`} onClick={() => silence(SPANS[span], subject)}>
              {t('act.silenceSubject', { span: t(`span.${span}`) })}
            </Menu.Item>
          ))}
        {(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((span) => (
          <Menu.Item key={span} onClick={() => silence(SPANS[span], {})}>
            {t('act.silenceRule', { span: t(`span.${span}`) })}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
