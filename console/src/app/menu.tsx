/** What can be gone to. The window of time goes along. */
import { NavLink, Text } from '@mantine/core'
import {
  IconActivity, IconAlertTriangle, IconBell, IconBug, IconClipboardList, IconClockPlay, IconKey, IconMail,
  IconPlugConnected, IconReport, IconRoute, IconSettings, IconTarget, IconUser, IconUsers,
  IconUsersGroup, IconFolders, IconRepeat, IconArrowBounce,
} from '@tabler/icons-react'
import { Link, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type Role, useMay } from './session'
import { windowOf } from './search'

const MENU = [
  ['whatHappened', [
    ['/', 'overview', IconActivity],
    ['/errors', 'errors', IconAlertTriangle],
    ['/upstream-errors', 'attempts', IconArrowBounce],
    ['/issues', 'issues', IconBug],
    ['/replays', 'replays', IconRepeat],
  ]],
  ['pool', [
    ['/accounts', 'accounts', IconPlugConnected],
    ['/groups', 'groups', IconFolders],
    ['/keys', 'keys', IconKey],
    ['/users', 'users', IconUsers],
  ]],
  ['watch', [
    ['/alerts', 'alerts', IconBell],
    ['/objectives', 'objectives', IconTarget],
    ['/notifications', 'notifications', IconMail],
    ['/reports', 'reports', IconReport],
    ['/rules', 'rules', IconRoute],
  ]],
  ['system', [
    ['/jobs', 'jobs', IconClockPlay],
    ['/settings', 'settings', IconSettings],
    ['/audit-log', 'audit', IconClipboardList],
    ['/people', 'people', IconUsersGroup],
    ['/me', 'me', IconUser],
  ]],
] as const

type Place = (typeof MENU)[number][1][number][1]

/** What only some roles may see. */
const NEEDS: Partial<Record<Place, Role>> = { audit: 'admin', people: 'admin' }

export function Menu({ onGo }: { onGo: () => void }) {
  const { t } = useTranslation()
  const search = windowOf(useSearch({ strict: false }))
  const isAdmin = useMay('admin')
  return MENU.map(([part, places]) => (
    <section key={part} aria-label={t(`menu.${part}`)}>
      <Text size="xs" c="dimmed" tt="uppercase" fw={600} px="xs" pt="sm">
        {t(`menu.${part}`)}
      </Text>
      {places
        .filter(([, name]) => !NEEDS[name] || isAdmin)
        .map(([to, name, Icon]) => (
          <NavLink
            key={name}
            component={Link}
            to={to}
            // The union of addresses hides from the compiler that all of them take the window.
            search={search as never}
            activeOptions={{ exact: to === '/', includeSearch: false }}
            activeProps={{ 'data-active': true, 'aria-current': 'page' }}
            onClick={onGo}
            label={t(`menu.${name}`)}
            leftSection={<Icon size={16} stroke={1.6} aria-hidden />}
            py={5}
          />
        ))}
    </section>
  ))
}
