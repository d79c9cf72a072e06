; Inno Setup 6.3 or newer: the installer for one user, no administrator needed.
;   iscc /DVersion=0.1.0 installer\windows\moodtray.iss
#ifndef Version
  #error Give the version: iscc /DVersion=1.2.3
#endif

[Setup]
AppId={{7C2B6B7E-52D5-4E0B-9E55-6D6F6F647472}
AppName=Moodtray
AppVersion={#Version}
AppPublisher=The Moodtray developers
DefaultDirName={autopf}\Moodtray
DefaultGroupName=Moodtray
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\build\moodtray.ico
UninstallDisplayIcon={app}\moodtrayw.exe
OutputDir=..\..\dist
OutputBaseFilename=moodtray-{#Version}-setup
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "startup"; Description: "Start Moodtray when I log in"; Flags: unchecked

[InstallDelete]
; What an older version brought and this one does not would stay, and might be loaded.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\moodtray\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{group}\Moodtray"; Filename: "{app}\moodtrayw.exe"; Parameters: "run"; Comment: "Reads your mood from the webcam and moves the music to fit"

[Registry]
; The same value that 'moodtray autostart enable' writes.
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\Run"; ValueType: string; ValueName: "Moodtray"; ValueData: """{app}\moodtrayw.exe"" run"; Tasks: startup
; Removed with the program, whoever wrote it.
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\Run"; ValueType: none; ValueName: "Moodtray"; Flags: dontcreatekey uninsdeletevalue

[Run]
Filename: "{app}\moodtrayw.exe"; Parameters: "run"; Description: "Start Moodtray now"; Flags: nowait postinstall skipifsilent

[UninstallRun]
; A running agent would hold its files.
Filename: "{app}\moodtray.exe"; Parameters: "quit"; Flags: runhidden; RunOnceId: "QuitMoodtray"

[UninstallDelete]
Type: filesandordirs; Name: "{app}\_internal"

[Code]
{ Before an older version is replaced: its agent would hold its files. }
function PrepareToInstall(var NeedsRestart: Boolean): String;
var
  Command: String;
  Answer: Integer;
begin
  Result := '';
  Command := ExpandConstant('{app}\moodtray.exe');
  if FileExists(Command) then
    Exec(Command, 'quit', '', SW_HIDE, ewWaitUntilTerminated, Answer);
end;
