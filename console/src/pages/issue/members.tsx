/** Who and what an issue meets, most first. Each leads to what is known of it. */
import { Anchor, Stack, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { whereHidden } from '../../parts/filters/hidden'
import { count } from '../../parts/number'
import { Panel } from '../../parts/panel'
import { When } from '../../parts/when'

/** Of each sort: its words, and the list's filter that it is. */
const SORTS = [
  ['users', 'users', 'user_id'],
  ['api_keys', 'keys', 'api_key_id'],
  ['accounts', 'accounts', 'account_id'],
  ['models', 'models', 'model'],
  ['groups', 'groups', 'group_id'],
] as const

const SHOWN = 8

export function Members({ issue, members }: { issue: string; members: Of<'IssueMembers'> }) {
  const { t } = useTranslation('issues')
  return (
    <Panel title={t('members')}>
      <Stack gap="md">
        {SORTS.filter(([sort]) => members[sort].known > 0).map(([sort, word, filter]) => (
          <Sort key={sort} issue={issue} title={t(`column.${word}`)} filter={filter} list={members[sort]} />
        ))}
      </Stack>
    </Panel>
  )
}

function Sort({ issue, title, filter, list }: { issue: string; title: string; filter: string; list: Of<'MemberList'> }) {
  const { t, i18n } = useTranslation('issues')
  const number = (value: number) => count(value, i18n.language)
  return (
    <div>
      <Table fz="xs" verticalSpacing={3} horizontalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{title}</Table.Th>
            <Table.Th ta="right">{t('column.count')}</Table.Th>
            <Table.Th ta="right">{t('column.hidden')}</Table.Th>
            <Table.Th>{t('column.last')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {list.top.slice(0, SHOWN).map(({ id, name, count: seen, hidden_count, last_seen }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Anchor component={Link} to="/errors" search={{ issue, [filter]: id, time_range: '30d', ...whereHidden(seen) } as never} fz="xs" className="said">
                  {name ?? id}
                </Anchor>
              </Table.Td>
              <Table.Td ta="right">{number(seen)}</Table.Td>
              <Table.Td ta="right">{number(hidden_count)}</Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <When at={last_seen} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {(list.known > SHOWN || list.others > 0) && (
        <Text size="xs" px={6}>
          {t('known', { count: list.known })}
          {list.others > 0 && ` · ${t('others', { count: list.others })}`}
        </Text>
      )}
    </div>
  )
}
