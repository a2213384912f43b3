/** Failed attempts by account or by provider: who causes how many. */
import { Anchor, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import type { Search } from '../../app/search'
import { useNames } from '../../parts/filters/names'
import { count, percent } from '../../parts/number'
import { Empty, Loaded } from '../../parts/states'
import { useWindow } from '../../parts/window'
import classes from './attempts.module.css'

/** How they are told apart, and the filter of the list that belongs to it. */
export const SHARES = { account: 'account_id', platform: 'platform' } as const

/** Where they are asked for, which is also the beginning of their queries' keys. */
export const SHARED = ['get', '/api/v1/admin/ops/dashboard/error-distribution'] as const

export type By = keyof typeof SHARES

export function Shares({ by }: { by: By }) {
  const { t, i18n } = useTranslation(['attempts', 'errors'])
  const window = useWindow()
  const { nameOf } = useNames(by === 'account' ? 'account' : undefined)
  const found = $api.useQuery(...SHARED, { params: { query: { ...window, of: 'attempts', by } as never } }, { staleTime: 15_000 })
  const said = (value: number) => count(value, i18n.language)
  return (
    <Loaded query={found} rows={8}>
      {({ items, total, others }) =>
        items.length === 0 ? (
          <Empty>{t('none')}</Empty>
        ) : (
          <>
            <Table.ScrollContainer minWidth={560} type="native">
              <Table fz="sm" verticalSpacing={6} aria-label={t(`by.${by}`)}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t(by === 'account' ? 'column.account_name' : 'errors:filter.platform')}</Table.Th>
                    <Table.Th ta="right">{t('shares.count')}</Table.Th>
                    <Table.Th ta="right">{t('shares.share')}</Table.Th>
                    <Table.Th w="30%" aria-hidden />
                    <Table.Th ta="right">{t('shares.counted')}</Table.Th>
                    <Table.Th ta="right">{t('shares.excluded')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map(({ value, count, share, counted, excluded }) => (
                    <Table.Tr key={value}>
                      <Table.Td>
                        <Anchor component={Link} to="/upstream-errors" search={((old: Search) => ({ ...old, by: undefined, [SHARES[by]]: value })) as never} size="sm" className="said">
                          {by === 'account' ? nameOf(value) : value}
                        </Anchor>
                      </Table.Td>
                      <Table.Td ta="right">{said(count)}</Table.Td>
                      <Table.Td ta="right">{percent(share.percent, i18n.language)}</Table.Td>
                      <Table.Td aria-hidden>
                        <div className={classes.track}>
                          <div className={classes.share} style={{ width: `${share.percent ?? 0}%` }} />
                        </div>
                      </Table.Td>
                      <Table.Td ta="right">{said(counted)}</Table.Td>
                      <Table.Td ta="right">{said(excluded)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            <Text size="xs" mt="xs">
              {t('shares.total', { total: said(total) })} {others > 0 && t('shares.others', { others: said(others) })} {t('shares.unfiltered')}
            </Text>
          </>
        )
      }
    </Loaded>
  )
}
