/** The menu of saved views: choose, save what is looked at, delete. */
import { ActionIcon, Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core'
import { IconBookmark, IconCheck, IconTrash } from '@tabler/icons-react'
import { type FormEvent, memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { pick, type Search, WINDOW } from '../../app/search'
import { isSame, kept, read, type Saved, without } from './saved'
import { useAddress } from './use'

/** Of the list that has this name; `names` are what belongs to a view, beside the time. */
export const SavedViews = memo(function SavedViews({ list, names }: { list: string; names: readonly string[] }) {
  const { t } = useTranslation(['errors', 'common'])
  const { search, become } = useAddress()
  const place = `waybill.views.${list}`
  const [views, setViews] = useState<Saved[]>(() => read(localStorage.getItem(place)))
  const [asking, setAsking] = useState(false)
  const now: Search = pick(search, [...names, ...WINDOW])
  const keep = (next: Saved[]) => {
    localStorage.setItem(place, JSON.stringify(next))
    setViews(next)
  }
  const current = views.find((view) => isSame(view.search, now))
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <Button size="compact-xs" variant="default" leftSection={<IconBookmark size={13} aria-hidden />} maw={200}>
            {current?.name ?? t('saved.title')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t('saved.where')}</Menu.Label>
          {views.length === 0 && (
            <Text size="xs" px="sm" py={4}>
              {t('saved.none')}
            </Text>
          )}
          {views.map((view) => (
            <Group key={view.name} gap={0} wrap="nowrap">
              <Menu.Item flex={1} leftSection={view === current ? <IconCheck size={14} aria-label={t('saved.current')} /> : <span />} onClick={() => become(view.search)}>
                <span className="said">{view.name}</span>
              </Menu.Item>
              <ActionIcon variant="subtle" color="gray" aria-label={t('saved.delete', { name: view.name })} onClick={() => keep(without(views, view.name))}>
                <IconTrash size={14} />
              </ActionIcon>
            </Group>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => setAsking(true)}>{t('saved.save')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={asking} onClose={() => setAsking(false)} title={t('saved.save')} centered size="sm">
        <Naming
          onName={(name) => {
            keep(kept(views, { name, search: now }))
            setAsking(false)
          }}
        />
      </Modal>
    </>
  )
})

function Naming({ onName }: { onName: (name: string) => void }) {
  const { t } = useTranslation(['errors', 'common'])
  const [name, setName] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim()) onName(name.trim())
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput label={t('saved.name')} description={t('saved.replaces')} value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={80} data-autofocus dir="auto" />
        <Group justify="end">
          <Button type="submit" disabled={!name.trim()}>
            {t('common:act.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
