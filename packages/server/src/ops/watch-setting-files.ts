import type { SettingFileProblem, SettingFiles } from '../config/setting-files.js'
import type { Metrics } from './metrics.js'

/** Where changes and problems of the files are logged. */
export interface SettingFilesLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** A change is logged after about so long, also where nothing has needed the value yet. */
const intervalMs = 1000

/**
 * Logs and counts the files of settings that change or cannot be used; returns the function that
 * stops this. No value is logged.
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
