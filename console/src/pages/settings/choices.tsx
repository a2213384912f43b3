/** The settings as a form: monitoring, thresholds, what is left out of numbers, for how long things are kept. */
import { Anchor, Badge, Button, Checkbox, Group, Modal, NumberInput, Paper, SimpleGrid, Stack, Switch, Text, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { type ReactNode, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Base, Theirs, useBase } from '../../parts/base'
import { changed } from '../../parts/changed'
import { Fields, SaveBar, Trouble, useSave } from '../../parts/form'
import { LeaveGuard } from '../../parts/unsaved'
import { useJoined } from '../../parts/joined'
import { When } from '../../parts/when'
import { type Change, change, type Choice, IGNORES, KEPT, type Settings, type ThresholdName, THRESHOLDS } from './api'
import { changeOf, shortened, type Values, valuesOf } from './values'

const FIELDS = ['monitoring.enabled', ...THRESHOLDS.map((name) => `thresholds.${name}`), ...IGNORES.map((name) => `ignore.${name}`), ...KEPT.map((name) => `retention.${name}`)]

export function Choices({ newest, locked }: { newest: Settings; locked: string | undefined }) {
  const base = useBase(newest, ({ version }) => String(version))
  return (
    <>
      <LeaveGuard isDirty={base.isDirty} />
      <Form key={base.key} base={base} locked={locked} />
    </>
  )
}

function Form({ base, locked }: { base: Base<Settings>; locked: string | undefined }) {
  const { value: settings, setDirty } = base
  const { t } = useTranslation(['settings', 'common'])
  const { named } = useJoined()
  const [before] = useState(() => valuesOf(settings))
  const [asked, setAsked] = useState<Change>()
  const form = useForm<Values>({ initialValues: before })
  const { save, isSaving, problem } = useSave({ form, fields: FIELDS, send: async (asked: Change) => change(changed(asked, 'version')), onDone: () => setDirty(false) })
  const isDirty = Object.keys(changeOf(settings.version, before, form.values)).length > 1
  useEffect(() => setDirty(isDirty), [setDirty, isDirty])
  const lost = asked ? shortened(settings, asked) : []
  const submit = (values: Values) => {
    const change = changeOf(settings.version, before, values)
    if (shortened(settings, change).length > 0) setAsked(change)
    else save(change)
  }
  return (
    <form onSubmit={form.onSubmit(submit)}>
      <Fields locked={locked}>
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <Stack>
            <Part title={t('monitoring.title')}>
              <Chosen label={t('monitoring.enabled')} hint={t('monitoring.hint')} choice={settings.monitoring.enabled} value={form.values.enabled} set={(value) => form.setFieldValue('enabled', value)} />
              {settings.monitoring.since && (
                <Text size="xs">
                  {t('monitoring.since')} <When at={settings.monitoring.since} as="both" />
                </Text>
              )}
            </Part>
            <Part title={t('thresholds.title')} hint={t('thresholds.hint')}>
              {THRESHOLDS.map((name) => (
                <Threshold key={name} name={name} form={form} choice={settings.thresholds[name]} />
              ))}
            </Part>
            <Part title={t('ignore.title')} hint={t('ignore.hint')}>
              {IGNORES.map((name) => (
                <Chosen key={name} label={t(`ignore.${name}`)} choice={settings.ignore[name]} value={form.values.ignore[name]} set={(value) => form.setFieldValue(`ignore.${name}`, value)} />
              ))}
            </Part>
          </Stack>
          <Part title={t('retention.title')} hint={t('retention.hint')}>
            {KEPT.filter((name) => settings.retention[name]).map((name) => (
              <NumberInput
                key={name}
                label={t(`retention.${name}`)}
                placeholder={t('retention.configured', { days: String(settings.retention[name].configured) })}
                suffix={t('retention.suffix')}
                min={0}
                decimalScale={6}
                hideControls
                {...form.getInputProps(`retention.${name}`)}
              />
            ))}
          </Part>
        </SimpleGrid>
        <Trouble problem={problem} />
        <Theirs base={base} />
      </Fields>
      <Group justify="space-between">
        <Text size="xs">
          {settings.updated_at && (
            <>
              {t('changed', { by: settings.updated_by ?? '–' })} <When at={settings.updated_at} as="both" />
            </>
          )}
        </Text>
        {!locked && <SaveBar saving={isSaving} />}
      </Group>
      <Modal opened={Boolean(asked)} onClose={() => setAsked(undefined)} title={<strong>{t('retention.sure')}</strong>} closeButtonProps={{ 'aria-label': t('common:act.close') }}>
        <Stack gap="xs">
          <Text size="sm">{t('retention.gone')}</Text>
          {lost.map(({ name, from, to }) => (
            <Text key={name} size="sm">
              {named(t(`retention.${name}`), t('retention.fromTo', { from: String(from), to: String(to) }))}
            </Text>
          ))}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => setAsked(undefined)}>
              {t('common:act.cancel')}
            </Button>
            <Button
              color="red"
              onClick={() => {
                if (asked) save(asked)
                setAsked(undefined)
              }}
            >
              {t('retention.shorten')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </form>
  )
}

export function Part({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" component="section">
      <Stack gap="sm">
        <Title order={2} size="h5">
          {title}
        </Title>
        {hint && <Text size="sm">{hint}</Text>}
        {children}
      </Stack>
    </Paper>
  )
}

/** Whether what is shown was chosen, and the way back. */
function Origin({ isChosen, otherwise, reset }: { isChosen: boolean; otherwise: string; reset: () => void }) {
  const { t } = useTranslation('settings')
  if (!isChosen) return <Badge variant="outline" color="gray" c="var(--mantine-color-text)" tt="none" miw="max-content">{t('default')}</Badge>
  return (
    <Anchor component="button" type="button" size="xs" onClick={reset}>
      {t('back', { otherwise })}
    </Anchor>
  )
}

interface ChosenProps {
  label: string
  hint?: string
  choice: Choice<boolean>
  value: boolean | null
  set: (value: boolean | null) => void
}

function Chosen({ label, hint, choice, value, set }: ChosenProps) {
  const { t } = useTranslation(['settings', 'common'])
  return (
    <Group justify="space-between" wrap="nowrap" align="start">
      <Switch label={label} description={hint} checked={value ?? choice.default} onChange={(event) => set(event.currentTarget.checked)} />
      <Origin isChosen={value !== null} otherwise={choice.default ? t('common:yes') : t('common:no')} reset={() => set(null)} />
    </Group>
  )
}

interface Bounds {
  values: Values
  getInputProps: (path: string, options?: { type: 'checkbox' }) => object
  setFieldValue: (path: `thresholds.${ThresholdName}`, value: { off: boolean; at: number | string }) => void
  errors: Record<string, ReactNode>
}

function Threshold({ name, form, choice }: { name: ThresholdName; form: unknown; choice: Choice<number | 'off'> }) {
  const { t } = useTranslation('settings')
  const { values, getInputProps, setFieldValue, errors } = form as Bounds
  const { off, at } = values.thresholds[name]
  const isMs = name === 'ttft_p99_ms_max'
  const unit = isMs ? ' ms' : ' %'
  const otherwise = choice.default === 'off' ? t('thresholds.none') : `${choice.default}${unit}`
  return (
    <Stack gap={4}>
      <Group align="end" wrap="nowrap" gap="sm">
        <NumberInput flex={1} label={t(`thresholds.${name}`)} placeholder={otherwise} suffix={unit} min={0} {...(isMs ? {} : { max: 100 })} allowDecimal={!isMs} disabled={off} hideControls {...getInputProps(`thresholds.${name}.at`)} error={errors[`thresholds.${name}`]} />
        <Checkbox mb={8} label={t('thresholds.off')} {...getInputProps(`thresholds.${name}.off`, { type: 'checkbox' })} />
      </Group>
      <Group justify="flex-end">
        <Origin isChosen={off || at !== ''} otherwise={otherwise} reset={() => setFieldValue(`thresholds.${name}`, { off: false, at: '' })} />
      </Group>
    </Stack>
  )
}
