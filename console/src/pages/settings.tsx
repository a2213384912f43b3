/** What operators choose while the gateway runs, and what models cost. */
import { Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useMay } from '../app/session'
import { Head } from '../parts/head'
import { Loaded } from '../parts/states'
import { useSettings } from './settings/api'
import { Choices } from './settings/choices'
import { Prices } from './settings/prices'

export function Page() {
  const { t } = useTranslation(['settings', 'common'])
  const settings = useSettings()
  const locked = useMay('admin') ? undefined : t('common:form.adminsOnly')
  return (
    <>
      <Head title={t('title')} />
      <Stack gap="md">
        <Loaded query={settings} rows={18}>
          {(settings) => <Choices newest={settings} locked={locked} />}
        </Loaded>
        <Prices locked={locked} />
      </Stack>
    </>
  )
}
