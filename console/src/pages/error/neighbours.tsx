/** To the failure before and the one after: buttons, and `j` `k`. */
import { Button, Group } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import type { Search } from '../../app/search'
import { useKeys } from '../../parts/keys'
import { askErrors } from '../errors/ask'
import { asked, beyond } from './beyond'

type Way = 'older' | 'newer'

export function Neighbours({ error }: { error: Of<'ErrorLogDetail'> }) {
  const { t } = useTranslation('errors')
  const navigate = useNavigate()
  const older = useNeighbour(error, 'older')
  const newer = useNeighbour(error, 'newer')
  const go = (id: number | undefined) => id !== undefined && void navigate({ to: '/errors/$id', params: { id: String(id) }, search: (old: Search) => old })
  // As in the list with the newest on top: `j` goes down, to what is older.
  useKeys({ j: () => go(older?.id), k: () => go(newer?.id) })
  return (
    <Group gap={4} wrap="nowrap">
      <Button size="compact-xs" variant="default" leftSection={<IconChevronLeft size={13} aria-hidden />} disabled={!newer} onClick={() => go(newer?.id)}>
        {t('one.newer')}
      </Button>
      <Button size="compact-xs" variant="default" rightSection={<IconChevronRight size={13} aria-hidden />} disabled={!older} onClick={() => go(older?.id)}>
        {t('one.older')}
      </Button>
    </Group>
  )
}

function useNeighbour(error: Of<'ErrorLogDetail'>, way: Way) {
  const search: Search = useSearch({ strict: false })
  const query = asked(error, search)[way]
  const { data } = useQuery({ queryKey: ['neighbour', way, error.id, query], queryFn: ({ signal }) => askErrors(query, signal), staleTime: 10_000 })
  return beyond(error, data?.rows ?? [], way)
}
