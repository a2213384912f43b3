/** Every version of the rules; one of them as it was, and putting it back. */
import { Badge, Button, Code, Group, Table } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, api } from '../../api/client'
import { useMay } from '../../app/session'
import { Aside, SureButton } from '../../parts/aside'
import { Empty, Loaded } from '../../parts/states'
import { tellDone } from '../../parts/told'
import { When } from '../../parts/when'
import { useAgain } from './asking'
import { written } from './rule'

export function Versions({ inForce }: { inForce: number }) {
  const { t } = useTranslation('rules')
  const mayApply = useMay('admin')
  const again = useAgain()
  const [shown, setShown] = useState<number>()
  const found = $api.useQuery('get', '/api/v1/admin/ops/classification-rules/versions', { params: { query: { page_size: 500 } } })
  const restore = async (version: number) => {
    const { data } = await api.POST('/api/v1/admin/ops/classification-rules/versions/{version}/restore', { params: { path: { version } }, body: { version: inForce } })
    tellDone(t('appliedNow', { version: String(data?.version ?? '') }))
    await again()
  }
  return (
    <>
      <Loaded query={found}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('versions.none')}</Empty>
          ) : (
            <Table.ScrollContainer minWidth={640}>
              <Table fz="sm" verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('versions.version')}</Table.Th>
                    <Table.Th>{t('versions.at')}</Table.Th>
                    <Table.Th>{t('versions.by')}</Table.Th>
                    <Table.Th>{t('versions.note')}</Table.Th>
                    <Table.Th ta="right">{t('versions.rules')}</Table.Th>
                    <Table.Th aria-label={t('versions.show')} />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map(({ version, at, by, note, rules }) => (
                    <Table.Tr key={version}>
                      <Table.Td>
                        {version}{' '}
                        {version === inForce && (
                          <Badge variant="light" tt="none">
                            {t('versions.current')}
                          </Badge>
                        )}
                      </Table.Td>
                      <Table.Td>
                        <When at={at} as="both" />
                      </Table.Td>
                      <Table.Td>{by ?? '–'}</Table.Td>
                      <Table.Td className="said">{note ?? '–'}</Table.Td>
                      <Table.Td ta="right">{rules}</Table.Td>
                      <Table.Td>
                        <Group gap={4}>
                          <Button size="compact-xs" variant="default" onClick={() => setShown(version)}>
                            {t('versions.show')}
                          </Button>
                          {mayApply && version !== inForce && (
                            <SureButton size="compact-xs" what={t('restoreWhat', { version: String(version), rules: String(rules) })} act={() => restore(version)}>
                              {t('restore')}
                            </SureButton>
                          )}
                        </Group>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </Loaded>
      <Aside open={shown !== undefined} close={() => setShown(undefined)} title={t('versions.title', { version: String(shown ?? '') })}>
        {shown !== undefined && <One version={shown} />}
      </Aside>
    </>
  )
}

function One({ version }: { version: number }) {
  const found = $api.useQuery('get', '/api/v1/admin/ops/classification-rules/versions/{version}', { params: { path: { version } } })
  return (
    <Loaded query={found}>
      {({ rules }) => (
        <Code block className="said">
          {written(rules)}
        </Code>
      )}
    </Loaded>
  )
}
