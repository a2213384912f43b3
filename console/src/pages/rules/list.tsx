/** The rules in the order in which they are looked at, in words. */
import { ActionIcon, Badge, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/session'
import { Aside } from '../../parts/aside'
import { Empty } from '../../parts/states'
import { pairs, type Rule } from './rule'
import { RuleForm } from './rule-form'

export function RuleList({ rules, change }: { rules: Rule[]; change: (rules: Rule[]) => void }) {
  const { t } = useTranslation('rules')
  const mayTry = useMay('operator')
  const [at, setAt] = useState<number>()
  const take = (rule: Rule) => {
    change(at === undefined || at >= rules.length ? [...rules, rule] : rules.with(at, rule))
    setAt(undefined)
  }
  const swap = (one: number, other: number) => change(rules.with(one, rules[other] as Rule).with(other, rules[one] as Rule))
  return (
    <Stack gap="xs">
      {rules.length === 0 && <Empty>{t('none')}</Empty>}
      {rules.map((rule, index) => (
        <Paper key={`${rule.id ?? 'new'} ${rule.name}`} withBorder p="sm" component="article">
          <Group justify="space-between" align="start" gap="xs">
            <Said rule={rule} at={index + 1} />
            {mayTry && (
              <Group gap={4} wrap="nowrap">
                <ActionIcon variant="default" size="sm" disabled={index === 0} onClick={() => swap(index, index - 1)} aria-label={t('up', { name: rule.name })}>
                  <IconArrowUp size={14} />
                </ActionIcon>
                <ActionIcon variant="default" size="sm" disabled={index === rules.length - 1} onClick={() => swap(index, index + 1)} aria-label={t('down', { name: rule.name })}>
                  <IconArrowDown size={14} />
                </ActionIcon>
                <Button size="compact-xs" variant="default" onClick={() => setAt(index)}>
                  {t('act.edit', { ns: 'common' })}
                </Button>
                <Button size="compact-xs" variant="default" onClick={() => change(rules.toSpliced(index, 1))}>
                  {t('remove')}
                </Button>
              </Group>
            )}
          </Group>
        </Paper>
      ))}
      {mayTry && (
        <Button size="xs" variant="default" w="fit-content" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAt(rules.length)}>
          {t('add')}
        </Button>
      )}
      <Aside open={at !== undefined} close={() => setAt(undefined)} title={t('edit')}>
        {at !== undefined && <RuleForm rule={rules[at]} take={take} />}
      </Aside>
    </Stack>
  )
}

function Said({ rule, at }: { rule: Rule; at: number }) {
  const { t } = useTranslation('rules')
  const words = (part: Rule['when'] | Rule['then']) => pairs(part).map(([name, value]) => [t(`field.${name as 'cause'}`), value] as const)
  return (
    <Stack gap={2} miw={0} flex="1 1 300px">
      <Group gap="xs">
        <Text size="sm" fw={600} className="said">
          {at}. {rule.name}
        </Text>
        {rule.enabled === false && (
          <Badge variant="outline" color="gray" tt="none">
            {t('off')}
          </Badge>
        )}
      </Group>
      {rule.note && (
        <Text size="xs" className="said">
          {rule.note}
        </Text>
      )}
      <Part title={t('when')} words={words(rule.when)} />
      <Part title={t('then')} words={words(rule.then)} />
    </Stack>
  )
}

function Part({ title, words }: { title: string; words: (readonly [string, string])[] }) {
  return (
    <Text size="sm" className="said">
      {title}:{' '}
      {words.map(([name, value], index) => (
        <span key={name}>
          {index > 0 && ' · '}
          {name} <b>{value}</b>
        </span>
      ))}
    </Text>
  )
}
