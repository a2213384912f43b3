/** What stands around each page: the menu, the window of time, who is signed in. */
import { ActionIcon, AppShell, Burger, Group, Menu as Drop, Text } from '@mantine/core'
import { useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconLanguage, IconLogout, IconMoon, IconUser } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../api/client'
import { WindowPicker } from '../parts/window'
import { LANGUAGES, type Language, speak } from '../words'
import { Menu } from './menu'
import { Outdated } from './outdated'
import { useAnybody, useMe, whoAmI } from './session'
import classes from './shell.module.css'

/** Whoever is nobody any more is led to where one signs in, and from there back. */
export function Shell() {
  const isSomebody = useAnybody() !== null
  const queries = useQueryClient()
  const router = useRouter()
  useEffect(() => {
    if (isSomebody) return
    // What one person saw is not for the next.
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== whoAmI.queryKey[0] })
    // They may be on their way there, for they ended it themselves.
    if (router.history.location.pathname.endsWith('/sign-in')) return
    void router.navigate({ to: '/sign-in', search: { to: router.latestLocation.href, because: 'ended' }, replace: true })
  }, [isSomebody, queries, router])
  return isSomebody ? <Around /> : null
}

function Around() {
  const { t } = useTranslation()
  const [open, { toggle, close }] = useDisclosure()
  return (
    <AppShell header={{ height: 48 }} navbar={{ width: 208, breakpoint: 'md', collapsed: { mobile: !open } }} padding="md">
      <AppShell.Header>
        <a className={classes.skip} href="#content">
          {t('menu.skip')}
        </a>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="md" size="sm" aria-label={t('menu.open')} aria-expanded={open} />
            <Text component={Link} to="/" fw={700} c="inherit" td="none" visibleFrom="xs">
              {t('name')}
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <WindowPicker />
            <Words />
            <Scheme />
            <Mine />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.menu}>
        <Menu onGo={close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Outdated />
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function Words() {
  const { t, i18n } = useTranslation()
  return (
    <Drop>
      <Drop.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('menu.language')}>
          <IconLanguage size={18} />
        </ActionIcon>
      </Drop.Target>
      <Drop.Dropdown>
        {(Object.keys(LANGUAGES) as Language[]).map((language) => (
          <Drop.Item key={language} fw={i18n.language === language ? 700 : 400} lang={language} onClick={() => void speak(language)}>
            {LANGUAGES[language]}
          </Drop.Item>
        ))}
      </Drop.Dropdown>
    </Drop>
  )
}

function Scheme() {
  const { t } = useTranslation()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Drop>
      <Drop.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('menu.theme')}>
          <IconMoon size={18} />
        </ActionIcon>
      </Drop.Target>
      <Drop.Dropdown>
        {(['light', 'dark', 'auto'] as const).map((scheme) => (
          <Drop.Item key={scheme} fw={colorScheme === scheme ? 700 : 400} onClick={() => setColorScheme(scheme)}>
            {t(`menu.${scheme}`)}
          </Drop.Item>
        ))}
      </Drop.Dropdown>
    </Drop>
  )
}

function Mine() {
  const { t } = useTranslation(['common', 'people'])
  const me = useMe()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const signOut = async () => {
    await api.POST('/api/v1/admin/sign-out').catch(() => undefined)
    await navigate({ to: '/sign-in' })
    queries.clear()
  }
  return (
    <Drop>
      <Drop.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('menu.me')}>
          <IconUser size={18} />
        </ActionIcon>
      </Drop.Target>
      <Drop.Dropdown>
        <Drop.Label>
          {me.name} · {t(`people:role.${me.role}`)}
        </Drop.Label>
        <Drop.Item component={Link} to="/me">
          {t('menu.me')}
        </Drop.Item>
        <Drop.Item leftSection={<IconLogout size={14} />} onClick={() => void signOut()}>
          {t('menu.signOut')}
        </Drop.Item>
      </Drop.Dropdown>
    </Drop>
  )
}
