import { useEffect } from 'preact/hooks'
import { isServerAway } from '../api/connection.js'
import { attempt } from '../api/send.js'
import { base } from '../base.js'
import { showToast } from '../ui/toasts.js'

const probeMs = 2000

/** Says that the server does not answer, and asks it until it does. */
export function ConnectionBanner() {
  const isAway = isServerAway.value
  useEffect(() => {
    if (!isAway) return undefined
    const probe = () => void attempt(new Request(new URL(`${base}/livez`, location.href)))
    const timer = setInterval(probe, probeMs)
    return () => {
      clearInterval(timer)
      showToast('The server answers again.')
    }
  }, [isAway])
  if (!isAway) return null
  return (
    <div class="banner" role="alert">
      <strong>The server does not answer.</strong> This page may be out of date. It tries again every two seconds.
    </div>
  )
}
