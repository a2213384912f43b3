/** What the list of failed requests shows of each, the API's fields by their names. */
import { IconArrowBackUp, IconCheck, IconEyeOff } from '@tabler/icons-react'
import type { TFunction } from 'i18next'
import { Phase } from '../../parts/badges'
import { Owner, Severity } from '../../parts/marks'
import type { Column, NarrowRow } from '../../parts/list'
import { duration } from '../../parts/number'
import { Rest, TwoLines } from '../../parts/two-lines'
import { Moment, When } from '../../parts/when'
import type { Row } from './ask'

/** The fields that a CSV file has, in order. */
export const EXPORTED: readonly (keyof Row)[] = [
  'id', 'created_at', 'severity', 'status_code', 'cause', 'error_owner', 'error_source', 'phase', 'type', 'message', 'platform', 'model',
  'account_id', 'account_name', 'group_id', 'group_name', 'api_key_id', 'api_key_name', 'user_id', 'user_name', 'latency_ms', 'stream',
  'upstream_error_count', 'recovered', 'resolved', 'is_retryable', 'is_business_limited', 'replay_of', 'fingerprint', 'request_id',
  'client_request_id', 'client_ip', 'request_path',
]

/** On a phone: what was said, and beneath it when, how bad, what, and where. */
export function narrow(t: TFunction<['errors', 'common']>, words: TFunction<'common'>): NarrowRow<Row> {
  return {
    title: t('column.message'),
    cell: (row) => (
      <TwoLines
        first={
          <Rest>
            <strong>
              <Message row={row} t={t} />
            </strong>
          </Rest>
        }
        second={
          <>
            <When at={row.created_at} />
            <Severity severity={row.severity} t={words} />
            <span className="mono">{row.status_code}</span>
            <Rest title={row.cause}>
              <span className="mono">{row.cause}</span>
            </Rest>
            {row.account_name && <Rest title={row.account_name}>{row.account_name}</Rest>}
          </>
        }
      />
    ),
  }
}

/** All of those that are shown until somebody chooses fit beside the menu at 1280 pixels. */
export function columns(t: TFunction<['errors', 'common']>, words: TFunction<'common'>): Column<Row>[] {
  const text = (key: keyof Row, width: Column<Row>['width'], hidden = false): Column<Row> => ({ key, title: t(`column.${key}` as 'column.model'), width, hidden, cell: (row) => <Text value={row[key]} /> })
  return [
    { key: 'created_at', title: t('column.created_at'), width: '132px', cell: ({ created_at }) => <Moment at={created_at} /> },
    { key: 'severity', title: t('column.severity'), width: '70px', cell: ({ severity }) => <Severity severity={severity} t={words} /> },
    { key: 'status_code', title: t('column.status_code'), width: '60px', cell: ({ status_code }) => <span className="mono">{status_code}</span> },
    { key: 'cause', title: t('column.cause'), width: '132px', cell: ({ cause }) => <span className="mono" title={cause}>{cause}</span> },
    { key: 'error_owner', title: t('column.error_owner'), width: '92px', cell: ({ error_owner }) => <Owner owner={error_owner} t={words} /> },
    { key: 'message', title: t('column.message'), width: 'minmax(150px, 1fr)', cell: (row) => <Message row={row} t={t} /> },
    text('account_name', '98px'),
    text('model', '126px'),
    text('api_key_name', '72px'),
    { key: 'latency_ms', title: t('column.latency_ms'), width: '66px', align: 'right', cell: ({ latency_ms }) => duration(latency_ms) },
    text('platform', '100px', true),
    text('group_name', '110px', true),
    text('user_name', '110px', true),
    { key: 'phase', title: t('column.phase'), width: '110px', hidden: true, cell: ({ phase }) => <Phase phase={phase} /> },
    text('type', '170px', true),
    text('error_source', '90px', true),
    { key: 'stream', title: t('column.stream'), width: '80px', hidden: true, cell: ({ stream }) => t(stream ? 'common:yes' : 'common:no') },
    { key: 'upstream_error_count', title: t('column.upstream_error_count'), width: '90px', align: 'right', hidden: true, cell: ({ upstream_error_count }) => upstream_error_count },
    { key: 'request_id', title: t('column.request_id'), width: '290px', hidden: true, cell: ({ request_id }) => <span className="mono">{request_id}</span> },
    text('client_request_id', '200px', true),
    text('client_ip', '130px', true),
    text('request_path', '220px', true),
    { key: 'fingerprint', title: t('column.fingerprint'), width: '270px', hidden: true, cell: ({ fingerprint }) => <span className="mono">{fingerprint}</span> },
  ]
}

function Text({ value }: { value: unknown }) {
  const text = value === null || value === undefined ? '–' : String(value)
  return <span title={text}>{text}</span>
}

/** What was said, behind a word for what became of it. */
function Message({ row, t }: { row: Row; t: TFunction<['errors', 'common']> }) {
  const marks = [
    [row.resolved, IconCheck, t('mark.resolved')],
    [row.recovered, IconEyeOff, t('mark.recovered')],
    [row.replay_of != null, IconArrowBackUp, t('mark.replay')],
  ] as const
  return (
    <span title={row.message}>
      {marks.map(
        ([is, Icon, word]) =>
          is && (
            <span key={word}>
              <Icon size={12} aria-hidden /> {word} ·{' '}
            </span>
          ),
      )}
      {row.message}
    </span>
  )
}
