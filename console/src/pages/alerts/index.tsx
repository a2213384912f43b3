/** What wakes somebody: what is firing, what fired, the rules, and who is not told. */
import { useTranslation } from 'react-i18next'
import { Head } from '../../parts/head'
import { PartTabs } from '../../parts/part-tabs'
import { EventAside } from './event'
import { Firing } from './firing'
import { History } from './history'
import { Rules } from './rules'
import { Silences } from './silences'

export function Page() {
  const { t } = useTranslation(['alerts', 'common'])
  return (
    <>
      <Head title={t('common:menu.alerts')} />
      <PartTabs
        label={t('tabs.label')}
        parts={[
          ['firing', t('tabs.firing'), () => <Firing />],
          ['history', t('tabs.history'), () => <History />],
          ['rules', t('tabs.rules'), () => <Rules />],
          ['silences', t('tabs.silences'), () => <Silences />],
        ]}
      />
      <EventAside />
    </>
  )
}
