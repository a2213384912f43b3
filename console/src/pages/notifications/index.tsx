/** Who is told, and what they were told. */
import { useTranslation } from 'react-i18next'
import { Head } from '../../parts/head'
import { PartTabs } from '../../parts/part-tabs'
import { Channels } from './channels'
import { Log } from './log'

export function Page() {
  const { t } = useTranslation(['watch', 'common'])
  return (
    <>
      <Head title={t('common:menu.notifications')} />
      <PartTabs
        label={t('notifications.tabs.label')}
        parts={[
          ['channels', t('notifications.tabs.channels'), () => <Channels />],
          ['log', t('notifications.tabs.log'), () => <Log />],
        ]}
      />
    </>
  )
}
