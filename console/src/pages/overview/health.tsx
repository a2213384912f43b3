/** The health score, which opens into what it is made of. */
import { Group, Popover, Stack, Text, UnstyledButton } from '@mantine/core'
import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { useGateway } from '../../words/gateway'
import { Figure } from './figure'
import { Go } from './go'
import classes from './overview.module.css'
import type { Target } from './target'

const PARTS = ['service', 'upstream', 'latency', 'records', 'jobs'] as const
type Part = (typeof PARTS)[number]

function isPart(name: string): name is Part {
  return PARTS.some((part) => part === name)
}

function nameOf(name: string, t: TFunction<'overview'>): string {
  return isPart(name) ? t(`figure.part.${name}`) : name
}

/** Where one sees what is behind a part. */
const BEHIND: Partial<Record<Part, Target>> = {
  service: { to: '/errors', search: { view: 'errors' } },
  upstream: { to: '/upstream-errors' },
  jobs: { to: '/jobs' },
}

const tone = (score: number | null | undefined) => (score === null || score === undefined ? 'gray' : score >= 90 ? 'teal' : score >= 60 ? 'yellow' : 'red')

export function HealthFigure({ health }: { health: Of<'Health'> }) {
  const { t } = useTranslation('overview')
  const { score } = health
  const known = score !== null && score !== undefined
  return (
    <Figure label={t('figure.health')}>
      <div className={classes.ring}>
        <Popover width={420} position="bottom-start" shadow="md" withinPortal trapFocus>
          <Popover.Target>
            <UnstyledButton aria-label={known ? t('figure.healthOpen', { score: String(score) }) : t('figure.healthUnknown')}>
              <Ring score={score} />
            </UnstyledButton>
          </Popover.Target>
          <Popover.Dropdown>
            <Stack gap="xs">
              <Text size="xs">{t('figure.healthWhy')}</Text>
              {health.parts.map((part) => (
                <PartLine key={part.name} part={part} />
              ))}
            </Stack>
          </Popover.Dropdown>
        </Popover>
        <table className={classes.numbers}>
          <tbody>
            {health.parts.map((part) => (
              <tr key={part.name}>
                <th scope="row">{nameOf(part.name, t)}</th>
                <td>{part.score ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Figure>
  )
}

const SIZE = 92
const THICK = 9
const RADIUS = (SIZE - THICK) / 2

/** The score as a part of a circle, from its top on, and as a number in it. */
function Ring({ score }: { score: number | null | undefined }) {
  const circle = { cx: SIZE / 2, cy: SIZE / 2, r: RADIUS, fill: 'none', strokeWidth: THICK }
  return (
    <span className={classes.score}>
      <svg width={SIZE} height={SIZE} aria-hidden>
        <circle {...circle} className={classes.track} />
        {score !== null && score !== undefined && score > 0 && (
          <circle {...circle} pathLength={100} strokeDasharray={`${score} 100`} strokeLinecap="round" transform={`rotate(-90 ${SIZE / 2} ${SIZE / 2})`} stroke={`var(--mantine-color-${tone(score)}-filled)`} />
        )}
      </svg>
      <span className={classes.value}>{score ?? '–'}</span>
    </span>
  )
}

function PartLine({ part }: { part: Of<'HealthPart'> }) {
  const { t } = useTranslation(['overview', 'common'])
  const { sentence } = useGateway()
  const { name, score, value, weight, explanation } = part
  const known = score !== null && score !== undefined
  const title = nameOf(name, t)
  const target = isPart(name) ? BEHIND[name] : undefined
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={600} component="span">
          {target ? <Go target={target}>{title}</Go> : title}
        </Text>
        <Text size="sm" component="span">
          {known ? score : '–'} · {t('figure.weight', { weight: String(weight) })}
        </Text>
      </Group>
      <div className={classes.bar} role="presentation">
        <div className={classes.fill} style={{ width: `${score ?? 0}%`, background: `var(--mantine-color-${tone(score)}-6)` }} />
      </div>
      <Text size="xs" mt={2} className="said">
        {value !== null && value !== undefined && t('figure.measured', { value: String(value) }) + t('common:join.clause')}
        {sentence(explanation)}
      </Text>
    </div>
  )
}
