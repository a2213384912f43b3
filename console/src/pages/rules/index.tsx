/** Classification rules: an operator's own verdicts, in versions. */
import { Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, type Of } from '../../api/client'
import { Head } from '../../parts/head'
import { count } from '../../parts/number'
import { PartTabs } from '../../parts/part-tabs'
import { Loaded } from '../../parts/states'
import { LeaveGuard } from '../../parts/unsaved'
import { When } from '../../parts/when'
import { Edit } from './edit'
import { Versions } from './versions'

export function Page() {
  const { t } = useTranslation(['rules', 'common'])
  const found = $api.useQuery('get', '/api/v1/admin/ops/classification-rules', {}, { refetchInterval: 10_000 })
  const [isDirty, setDirty] = useState(false)
  return (
    <>
      <LeaveGuard isDirty={isDirty} />
      <Head title={t('common:menu.rules')} />
      <Loaded query={found} rows={10}>
        {(inForce) => (
          <Stack gap="sm">
            <InForce rules={inForce} />
            <PartTabs
              label={t('tabs.label')}
              keeps={['edit']}
              parts={[
                ['edit', t('tabs.edit'), () => <Edit inForce={inForce} setDirty={setDirty} />],
                ['versions', t('tabs.versions'), () => <Versions inForce={inForce.version} />],
              ]}
            />
          </Stack>
        )}
      </Loaded>
    </>
  )
}

function InForce({ rules }: { rules: Of<'ClassificationRules'> }) {
  const { t, i18n } = useTranslation(['rules', 'common'])
  const { applied } = rules
  const number = (value: number) => count(value, i18n.language)
  return (
    <div>
      <Text size="sm">{t('what')}</Text>
      {rules.version === 0 ? (
        <Text size="sm">{t('never')}</Text>
      ) : (
        <Text size="sm" role="status">
          <b>{t('inForce', { version: String(rules.version) })}</b>
          {t('common:join.clause')}
          <When at={rules.at} as="both" />
          {rules.by && t('common:join.clause') + t('by', { who: rules.by })}
          {t('common:join.stop')}
          {applied.is_done ? t('applied', { changed: number(applied.changed) }) : t('applying', { remaining: number(applied.remaining), changed: number(applied.changed) })}
        </Text>
      )}
    </div>
  )
}
