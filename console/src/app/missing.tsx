import { Anchor, Stack, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

/** What stands at an address that no page has. */
export function Missing() {
  const { t } = useTranslation()
  return (
    <Stack p="xl" align="center">
      <Title order={2}>{t('state.notFound')}</Title>
      <Anchor component={Link} to="/">
        {t('state.home')}
      </Anchor>
    </Stack>
  )
}
