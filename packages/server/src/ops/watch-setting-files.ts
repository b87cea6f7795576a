import type { SettingFileProblem, SettingFiles } from '../config/setting-files.js'
import type { Metrics } from './metrics.js'

/** Receives log lines about changes and problems of the files. */
export interface SettingFilesLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Upper bound of the time until a change is logged, also if no code reads the value. */
const intervalMs = 1000

/**
 * Logs and counts changes and errors of setting files, without their values. Returns the function
 * that stops it.
 */
export function watchSettingFiles(
  files: SettingFiles,
  { settingFiles }: Pick<Metrics, 'settingFiles'>,
  log: SettingFilesLog,
): () => void {
  const onChanged = (setting: string) => {
    settingFiles.inc({ setting, outcome: 'changed' })
    log.info({ setting }, 'The file of this setting has changed; new connections and requests use its value.')
  }
  const onUnusable = ({ name: setting, problem }: SettingFileProblem) => {
    settingFiles.inc({ setting, outcome: 'unusable' })
    log.warn({ setting, problem }, 'The file of this setting cannot be used; its last value stays in use.')
  }
  files.on('changed', onChanged)
  files.on('unusable', onUnusable)
  const timer = setInterval(() => files.checkAll(), intervalMs).unref()
  return () => {
    clearInterval(timer)
    files.off('changed', onChanged)
    files.off('unusable', onUnusable)
  }
}
