/** What the list of failed attempts shows of each, the API's fields by their names. */
import { IconAlertTriangle, IconEyeOff } from '@tabler/icons-react'
import type { TFunction } from 'i18next'
import type { Column, NarrowRow } from '../../parts/list'
import { duration } from '../../parts/number'
import { Rest, TwoLines } from '../../parts/two-lines'
import { Moment, When } from '../../parts/when'
import { useGateway } from '../../words/gateway'
import type { Row } from './ask'
import classes from './attempts.module.css'

/** The fields that a CSV file has, in order. */
export const EXPORTED: readonly (keyof Row)[] = [
  'id', 'created_at', 'request_id', 'error_id', 'attempt', 'recovered', 'platform', 'account_id', 'account_name', 'upstream_host', 'model', 'upstream_status_code',
  'kind', 'cause', 'name', 'message', 'decision', 'decision_reason', 'connect_ms', 'first_byte_ms', 'duration_ms', 'retry_after_ms',
  'retry_after_source', 'upstream_request_id',
]

/** On a phone: what was said, and beneath it when, whether it was seen, what, and where. */
export function narrow(t: TFunction<['attempts', 'errors', 'common']>): NarrowRow<Row> {
  return {
    title: t('column.message'),
    cell: ({ created_at, recovered, upstream_status_code, cause, account_name, message }) => (
      <TwoLines
        first={
          <Rest title={message}>
            <strong>{message}</strong>
          </Rest>
        }
        second={
          <>
            <When at={created_at} />
            <Fate recovered={recovered} word={t(recovered ? 'hidden' : 'seen')} />
            <span className="mono">{upstream_status_code ?? '–'}</span>
            <Rest title={cause}>
              <span className="mono">{cause}</span>
            </Rest>
            <Rest title={account_name}>{account_name}</Rest>
          </>
        }
      />
    ),
  }
}

export function columns(t: TFunction<['attempts', 'errors', 'common']>): Column<Row>[] {
  return [
    { key: 'created_at', title: t('column.created_at'), width: '136px', cell: ({ created_at }) => <Moment at={created_at} /> },
    { key: 'recovered', title: t('column.recovered'), width: '110px', cell: ({ recovered }) => <Fate recovered={recovered} word={t(recovered ? 'hidden' : 'seen')} /> },
    { key: 'account_name', title: t('column.account_name'), width: '156px', cell: ({ account_name }) => <span title={account_name}>{account_name}</span> },
    { key: 'upstream_status_code', title: t('column.upstream_status_code'), width: '70px', cell: ({ upstream_status_code }) => <span className="mono">{upstream_status_code ?? '–'}</span> },
    { key: 'cause', title: t('column.cause'), width: '176px', cell: ({ cause }) => <span className="mono">{cause}</span> },
    { key: 'message', title: t('column.message'), width: 'minmax(280px, 1fr)', cell: ({ message }) => <span title={message}>{message}</span> },
    { key: 'model', title: t('column.model'), width: '150px', cell: ({ model }) => <span title={model ?? undefined}>{model ?? '–'}</span> },
    { key: 'decision', title: t('column.decision'), width: '160px', cell: ({ decision, decision_reason }) => <Decided word={t(`errors:decision.${decision}`)} reason={decision_reason} /> },
    { key: 'duration_ms', title: t('column.duration_ms'), width: '90px', align: 'right', cell: ({ duration_ms }) => duration(duration_ms) },
    { key: 'attempt', title: t('column.attempt'), width: '80px', align: 'right', hidden: true, cell: ({ attempt }) => attempt },
    { key: 'platform', title: t('column.platform'), width: '110px', hidden: true, cell: ({ platform }) => platform },
    { key: 'upstream_host', title: t('column.upstream_host'), width: '200px', hidden: true, cell: ({ upstream_host }) => <span title={upstream_host}>{upstream_host}</span> },
    { key: 'kind', title: t('column.kind'), width: '150px', hidden: true, cell: ({ kind }) => <span className="mono">{kind}</span> },
    { key: 'name', title: t('column.name'), width: '170px', hidden: true, cell: ({ name }) => <span className="mono">{name ?? '–'}</span> },
    { key: 'retry_after_ms', title: t('column.retry_after_ms'), width: '100px', align: 'right', hidden: true, cell: ({ retry_after_ms }) => duration(retry_after_ms) },
    { key: 'first_byte_ms', title: t('column.first_byte_ms'), width: '100px', align: 'right', hidden: true, cell: ({ first_byte_ms }) => duration(first_byte_ms) },
    { key: 'upstream_request_id', title: t('column.upstream_request_id'), width: '280px', hidden: true, cell: ({ upstream_request_id }) => <span className="mono">{upstream_request_id ?? '–'}</span> },
    { key: 'request_id', title: t('column.request_id'), width: '290px', hidden: true, cell: ({ request_id }) => <span className="mono">{request_id}</span> },
  ]
}

/** What was decided; why is under the pointer. */
function Decided({ word, reason }: { word: string; reason: string }) {
  return <span title={useGateway().sentence(reason)}>{word}</span>
}

/** Whether the client saw it: a word and a shape. */
export function Fate({ recovered, word }: { recovered: boolean; word: string }) {
  const Icon = recovered ? IconEyeOff : IconAlertTriangle
  return (
    <span className={classes.fate} data-hidden={recovered}>
      <Icon size={13} aria-hidden />
      {word}
    </span>
  )
}
