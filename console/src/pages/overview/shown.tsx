/** What is loaded when it comes into sight, in a place that was kept for it, and asked again only while it is there. */
import { Paper, Skeleton, Title } from '@mantine/core'
import { type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import type { Every } from './live'
import classes from './overview.module.css'

interface Props {
  title: string
  /** What it will be high. */
  height: number
  every: Every
  /** Stands beside the title. */
  beside?: ReactNode
  id?: string
  children: (every: Every) => ReactNode
}

export function Shown({ title, height, every, beside, id, children }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const [isSeen, setSeen] = useState(false)
  const [wasSeen, setWasSeen] = useState(false)
  useEffect(() => {
    if (!place.current) return
    const watch = new IntersectionObserver(([entry]) => {
      const isIn = entry?.isIntersecting ?? false
      setSeen(isIn)
      if (isIn) setWasSeen(true)
    })
    watch.observe(place.current)
    return () => watch.disconnect()
  }, [])
  const later = <Skeleton height={height} />
  return (
    <Paper withBorder className={classes.part} component="section" aria-label={title} ref={place} id={id}>
      <div className={classes.partHead}>
        <Title order={2} size="h5">
          {title}
        </Title>
        {beside}
      </div>
      <div style={{ minHeight: height }}>{wasSeen ? <Suspense fallback={later}>{children(isSeen && every)}</Suspense> : later}</div>
    </Paper>
  )
}
