/** The release of this package, as backups name it. A test holds it to package.json. */
export const RELEASE = '0.1.0';
