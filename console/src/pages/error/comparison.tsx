/** What came of sending a request again, beside what it was. */
import { Anchor, Stack, Table, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Of } from '../../api/client'
import { useNames } from '../../parts/filters/names'
import { within } from '../../parts/filters/use'
import { useJoined } from '../../parts/joined'
import { Body } from '../../parts/json/payload'
import { Notice } from '../../parts/notice'
import { duration } from '../../parts/number'
import { compared, type Line } from './compare'
import classes from './error.module.css'

interface Props {
  before: Of<'ErrorLogDetail'>
  after: Of<'RetryAttempt'>
}

export function Comparison({ before, after }: Props) {
  const { t } = useTranslation('errors')
  const { aside } = useJoined()
  const { nameOf } = useNames('account')
  const lines = compared(before, after, after.used_account_id == null ? undefined : nameOf(String(after.used_account_id)))
  return (
    <Stack gap="sm">
      <Result after={after} />
      <Table.ScrollContainer minWidth={420} type="native">
        <Table fz="sm" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={110}>{t('again.part')}</Table.Th>
              <Table.Th>{t('again.before')}</Table.Th>
              <Table.Th>{t('again.after')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {lines
              .filter(({ what }) => what !== 'answer')
              .map((line) => (
                <Table.Tr key={line.what}>
                  <Table.Th scope="row">{t(`again.compared.${line.what}`)}</Table.Th>
                  <Table.Td className="said">{said(line, line.before)}</Table.Td>
                  <Table.Td className={`said ${line.isSame ? '' : classes.differs}`}>
                    {said(line, line.after)}
                    {line.isSame && <Text span size="xs">{aside('', t('again.same'))}</Text>}
                  </Table.Td>
                </Table.Tr>
              ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Body title={t('again.answerBefore')} text={before.error_body} isWithheld={before.withheld?.includes('error_body') ?? false} />
      <Body title={t('again.answerAfter')} text={after.response_preview} isWithheld={before.withheld?.includes('error_body') ?? false} note={after.response_truncated ? t('again.cut') : undefined} />
    </Stack>
  )
}

function said({ what }: Line, value: string | number | null): string {
  if (value === null) return '–'
  return what === 'duration' ? duration(Number(value)) : String(value)
}

/** The verdict in a sentence. */
export function Result({ after }: { after: Of<'RetryAttempt'> }) {
  const { t } = useTranslation('errors')
  const word = after.verdict ?? (after.status === 'succeeded' ? 'would_succeed' : after.status === 'running' ? 'running' : 'failed')
  const isGood = word === 'would_succeed'
  return (
    <Notice color={isGood ? 'teal' : word === 'running' ? 'blue' : 'orange'} icon={isGood ? <IconCheck aria-hidden /> : <IconAlertTriangle aria-hidden />} title={t(`again.verdict.${word}`)} role="status">
      <Text size="sm" className="said">
        {after.http_status_code != null && `HTTP ${after.http_status_code}`}
        {after.duration_ms != null && ` · ${duration(after.duration_ms)}`}
        {after.error_message && ` · ${after.error_message}`}
      </Text>
      {after.result_error_id != null && (
        <Anchor component={Link} to="/errors/$id" params={{ id: String(after.result_error_id) } as never} search={within()} size="sm">
          {t('again.newError')}
        </Anchor>
      )}
    </Notice>
  )
}
