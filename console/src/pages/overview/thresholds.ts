/** What the server says of a number that has a threshold. A server that has none yet says nothing, and nothing is coloured. */

export type Numbered = 'sla_percent_min' | 'ttft_p99_ms_max' | 'request_error_rate_percent_max' | 'upstream_error_rate_percent_max'

export interface Judged {
  value?: number | null
  threshold?: number | null
  state: 'ok' | 'breached' | 'no_data' | 'off'
}

export interface WithThresholds {
  thresholds?: { [Name in Numbered]?: Judged }
}

/** How this number stands to its threshold; nothing where there is none. */
export function overThreshold({ thresholds }: WithThresholds, name: Numbered): Judged | undefined {
  const judged = thresholds?.[name]
  return judged && judged.state !== 'off' ? judged : undefined
}
