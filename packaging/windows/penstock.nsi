; SPDX-License-Identifier: MIT
; The installer of penstock for one user, who needs no administrator; packaging/windows/package calls makensis with it and
; defines COMPRESSOR, VERSION, STAGE (the folder with what is installed), LISTED (its files, as a macro), TOOL
; (user-path.exe), OUTPUT.
;
; Nothing is changed while the program runs: a gateway that serves is not to lose its files or its plugins.

Unicode true
Target amd64-unicode
SetCompressor ${COMPRESSOR}
ManifestSupportedOS all
RequestExecutionLevel user
AllowSkipFiles off

!include LogicLib.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include MUI2.nsh
!include "${LISTED}"

!define REGISTERED "Software\Microsoft\Windows\CurrentVersion\Uninstall\penstock"

; How the installer and the uninstaller end; 1 (given up by the user) and 2 (a file could not be written) are NSIS' own.
!define EXIT_WINDOWS 3
!define EXIT_OLD 4
!define EXIT_RUNS 5
!define EXIT_PATH 6

Name "penstock"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\penstock"
; What /D=FOLDER says goes before what is installed already, and that before InstallDir.
InstallDirRegKey HKCU "${REGISTERED}" "InstallLocation"
BrandingText "penstock ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "penstock"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installer of penstock"
VIAddVersionKey "CompanyName" "the penstock authors"
VIAddVersionKey "LegalCopyright" "MIT licence"

!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_TITLE "penstock ${VERSION} is installed"
!define MUI_FINISHPAGE_TEXT "A console that is opened from now on finds it: penstock --help$\r$\n$\r$\n\
Profiles are looked for in %APPDATA%\penstock\penstock.ini; conf\examples\winnative.ini in the program's folder is one to begin with."
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; --- what both need: NSIS wants a function of the uninstaller to be one of its own ---------------------------------------

!macro SHARED un

; Says $0: in a window, or, when silent, to the standard error of whoever has started us.
Function ${un}Say
  ${IfNot} ${Silent}
    MessageBox MB_OK|MB_ICONEXCLAMATION "$0"
    Return
  ${EndIf}
  Push $1
  System::Call 'kernel32::AttachConsole(i -1)'
  System::Call 'kernel32::GetStdHandle(i -12) p .r1'
  FileWrite $1 "$0$\r$\n"
  Pop $1
FunctionEnd

; Gives up, with $0 as the reason and $1 as the exit code.
Function ${un}GiveUp
  Call ${un}Say
  SetErrorLevel $1
  Quit
FunctionEnd

; Gives up if the program $4 in the folder $2 runs, which Windows shows by letting nobody write its file.
Function ${un}NeedsQuietOf
  ${DoWhile} ${FileExists} "$2\$4"
    ClearErrors
    FileOpen $3 "$2\$4" a
    ${IfNot} ${Errors}
      FileClose $3
      Return
    ${EndIf}
    StrCpy $0 "penstock is running, or its file cannot be written: $2\$4$\r$\nNothing was changed. \
End every gateway (penstock down --all) and whatever else runs of it, then try again."
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$0" /SD IDCANCEL IDRETRY again
    ${If} ${Silent}
      Call ${un}Say
    ${EndIf}
    SetErrorLevel ${EXIT_RUNS}
    Quit
  again:
  ${Loop}
FunctionEnd

; The same of all its programs; penstockw.exe may be about to start the other one.
Function ${un}NeedsQuiet
  Push $4
  StrCpy $4 "penstockw.exe"
  Call ${un}NeedsQuietOf
  StrCpy $4 "penstock.exe"
  Call ${un}NeedsQuietOf
  Pop $4
FunctionEnd

; Has user-path.exe do $0 (add or remove) with $INSTDIR; says so if it cannot, and goes on: the program is there or gone.
Function ${un}ChangePath
  InitPluginsDir
  File "/oname=$PLUGINSDIR\user-path.exe" "${TOOL}"
  nsExec::ExecToStack '"$PLUGINSDIR\user-path.exe" $0 "$INSTDIR"'
  Pop $1
  Pop $2
  ${If} $1 != 0
    StrCpy $0 "PATH could not be changed: $2All else is done. Change it by hand, for the folder $INSTDIR: \
Settings, System, About, Advanced system settings, Environment Variables."
    Call ${un}Say
    SetErrorLevel ${EXIT_PATH}
  ${EndIf}
FunctionEnd

!macroend
!insertmacro SHARED ""
!insertmacro SHARED "un."

; --- installing ----------------------------------------------------------------------------------------------------------

Function .onInit
  SetShellVarContext current
  ${IfNot} ${AtLeastBuild} 18362
    StrCpy $0 "penstock needs Windows 10, version 1903, or a newer one. Nothing was changed."
    StrCpy $1 ${EXIT_WINDOWS}
    Call GiveUp
  ${EndIf}
FunctionEnd

; A file could not be written. Whoever sees a window has been asked about it, and has given up.
Function .onInstFailed
  ${If} ${Silent}
    StrCpy $0 "Not all files could be written to $INSTDIR, so penstock is not whole there. Make room, or close what uses them, \
and install it again."
    Call Say
  ${EndIf}
FunctionEnd

; What is installed is taken away by its own uninstaller, which knows its files. In the same folder that is all it does: PATH
; and what is registered stay, and are written over.
Function RemoveOld
  ReadRegStr $4 HKCU "${REGISTERED}" "InstallLocation"
  ${If} $4 == ""
  ${OrIfNot} ${FileExists} "$4\uninstall.exe"
    Return
  ${EndIf}
  StrCpy $2 $4
  Call NeedsQuiet
  StrCpy $5 ""
  ${If} $4 == $INSTDIR
    StrCpy $5 "/UPGRADE"
  ${EndIf}
  ClearErrors
  ExecWait '"$4\uninstall.exe" /S $5 _?=$4' $6
  ${If} $6 == ${EXIT_PATH}
    StrCpy $6 0
  ${EndIf}
  ${If} ${Errors}
  ${OrIf} $6 != 0
    StrCpy $0 "The penstock in $4 could not be removed (its uninstaller ended with $6), so the new one was not installed. \
Uninstall it by hand, under Settings, Apps, or by removing that folder, and try again."
    StrCpy $1 ${EXIT_OLD}
    Call GiveUp
  ${EndIf}
  ; It cannot remove itself while it is waited for.
  Delete "$4\uninstall.exe"
  RMDir "$4"
FunctionEnd

Section "penstock" MAIN
  StrCpy $2 $INSTDIR
  Call NeedsQuiet
  Call RemoveOld
  SetOutPath "$INSTDIR"
  File /r "${STAGE}/*"
  ClearErrors
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${REGISTERED}" "DisplayName" "penstock"
  WriteRegStr HKCU "${REGISTERED}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${REGISTERED}" "DisplayIcon" "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${REGISTERED}" "Publisher" "the penstock authors"
  WriteRegStr HKCU "${REGISTERED}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${REGISTERED}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${REGISTERED}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${REGISTERED}" "NoModify" 1
  WriteRegDWORD HKCU "${REGISTERED}" "NoRepair" 1
  SectionGetSize ${MAIN} $0
  WriteRegDWORD HKCU "${REGISTERED}" "EstimatedSize" $0
  ${If} ${Errors}
    StrCpy $0 "penstock is in $INSTDIR, but its uninstaller could not be written or registered. Run the installer again."
    StrCpy $1 2
    Call GiveUp
  ${EndIf}
  StrCpy $0 add
  Call ChangePath
SectionEnd

; --- uninstalling --------------------------------------------------------------------------------------------------------

Function un.onInit
  SetShellVarContext current
FunctionEnd

; What starts at the logon is none any more. If that cannot be, it says so and goes on: such a task does nothing then.
Function un.Autostart
  nsExec::ExecToStack '"$INSTDIR\penstock.exe" autostart disable'
  Pop $0
  Pop $1
  ${If} $0 != 0
    StrCpy $0 "What starts penstock when you log on could not be taken away: $1All else is done. Remove the tasks whose names \
begin with penstock- by hand: Task Scheduler, Task Scheduler Library."
    Call un.Say
  ${EndIf}
FunctionEnd

; Only what was installed: a plugin or a file that somebody has put beside it stays, and then its folder. Profiles are
; elsewhere (%APPDATA%\penstock), and stay too.
Section "un.penstock"
  StrCpy $2 $INSTDIR
  Call un.NeedsQuiet
  SetOutPath "$TEMP"
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/UPGRADE" $1
  ${If} ${Errors}
    Call un.Autostart
  ${EndIf}
  ClearErrors
  !insertmacro REMOVE_LISTED
  ${If} ${Errors}
    StrCpy $0 "Not all files in $INSTDIR could be removed: close what uses them, and uninstall again."
    StrCpy $1 2
    Call un.GiveUp
  ${EndIf}
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/UPGRADE" $1
  ${IfNot} ${Errors}
    Return
  ${EndIf}
  DeleteRegKey HKCU "${REGISTERED}"
  StrCpy $0 remove
  Call un.ChangePath
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
SectionEnd
