/**
 * `heddle/storage`: where a system keeps what must survive.
 */
export { leveldb } from './leveldb.ts';
export { memory } from './memory.ts';
export type { CompactionReport, Store } from './store.ts';
export { restoreBackup } from './backup/restore.ts';
export type { RestoreOptions, RestoreReport } from './backup/restore.ts';
export type { BackupOptions, BackupProgress, BackupReport } from './backup/backup.ts';
export { doctor, salvage } from './doctor/doctor.ts';
export type { Diagnosis, DoctorFinding, DoctorOptions, Salvage, Verdict } from './doctor/doctor.ts';
export {
  BackupDamaged,
  BackupRefused,
  BackupUnsound,
  FolderNotEmpty,
  HeddleError,
  JournalCorrupt,
  NothingSaved,
  NotSerialisable,
  StoreClosed,
  StoreCorrupt,
  StoreFenced,
  StoreFormat,
  StoreIo,
  StoreLocked,
  StoreUnfinished,
} from './errors.ts';
export type { CorruptionEvidence } from './errors.ts';
