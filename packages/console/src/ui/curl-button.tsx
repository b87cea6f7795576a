import { curlCommand } from '../api/curl-command.js'
import { base } from '../base.js'
import { CopyButton } from './copy-button.js'

interface CurlButtonProps {
  readonly method: string
  /** The path and the query, from `/v1/` on. */
  readonly path: string
  readonly body?: unknown
}

/** Copies a request of the page as a command of curl. */
export function CurlButton({ method, path, body }: CurlButtonProps) {
  const url = new URL(base + path, location.href).href
  return <CopyButton text={curlCommand({ method, url, body })} label="Copy as curl" />
}
